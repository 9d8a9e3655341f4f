// <textarea data-days>, one day a line, becomes a list of days with a field to add another. The textarea
// stays, hidden, and is what is sent; one with something else in it is left for the person to mend.
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const words = new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

function enhance(area) {
  const read = () => area.value.split(/[\s,;]+/).filter(Boolean);
  if (!read().every((day) => DAY.test(day) && !Number.isNaN(Date.parse(day)))) return;

  const list = document.createElement("ul");
  list.className = "days";
  const field = Object.assign(document.createElement("input"), { type: "date", id: `${area.id}_add` });
  const add = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Add day" });
  const row = document.createElement("div");
  row.className = "day-add";
  row.append(field, add);
  if (area.hasAttribute("aria-describedby")) field.setAttribute("aria-describedby", area.getAttribute("aria-describedby"));
  const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
  if (label) label.htmlFor = field.id;
  const disabled = area.closest("fieldset")?.disabled ?? false;
  // Nothing to add to, and nothing there: the empty field says so.
  if (disabled && !read().length) return;
  row.hidden = disabled;
  area.before(list, row);
  area.hidden = true;

  const draw = () => {
    list.hidden = !read().length;
    list.replaceChildren(
      ...read().map((day) => {
        const item = document.createElement("li");
        const text = words.format(new Date(`${day}T00:00:00Z`));
        item.append(text);
        if (!disabled) {
          const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
          remove.setAttribute("aria-label", `Remove ${text}`);
          remove.addEventListener("click", () => {
            write(read().filter((other) => other !== day));
            field.focus();
          });
          item.append(remove);
        }
        return item;
      }),
    );
  };
  const write = (days) => {
    area.value = [...new Set(days)].sort().join("\n");
    draw();
    for (const type of ["input", "change"]) area.dispatchEvent(new Event(type, { bubbles: true }));
  };
  const addDay = () => {
    if (!field.value) return field.focus();
    write([...read(), field.value]);
    field.value = "";
    field.focus();
  };
  add.addEventListener("click", addDay);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    addDay();
  });
  for (const type of ["input", "change"]) field.addEventListener(type, (event) => event.stopPropagation());
  // Somebody else changed them (drafts.js).
  area.addEventListener("shown", draw);
  draw();
}

for (const area of document.querySelectorAll("textarea[data-days]")) enhance(area);
