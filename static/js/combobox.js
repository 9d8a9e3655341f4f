// <select data-searchable> becomes a field to type into, with the options that match below it (the ARIA
// combobox pattern). The select stays, hidden, and is what is sent. Options may carry other words that
// they are found by in data-words; groups are found by their names. data-searchable="all" says that the
// option without a value is a choice like the others, not a request to choose. Whole words are found before
// beginnings of words, and those before what is inside of them.
let made = 0;

const plain = (text) =>
  text
    .normalize("NFKD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();

function enhance(select) {
  const id = `combobox-${++made}`;
  const input = document.createElement("input");
  Object.assign(input, { type: "text", id: `${select.id || id}_search`, autocomplete: "off", spellcheck: false });
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": id,
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
  })) {
    input.setAttribute(name, value);
  }
  for (const name of ["aria-describedby", "aria-invalid", "aria-label"]) {
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  }
  const list = document.createElement("ul");
  Object.assign(list, { id, className: "options", hidden: true });
  list.setAttribute("role", "listbox");
  const label = select.id && document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
  if (label) {
    label.htmlFor = input.id;
    label.id ||= `${id}-label`;
    list.setAttribute("aria-labelledby", label.id);
  }
  const box = document.createElement("div");
  box.className = "combobox";
  select.before(box);
  box.append(input, list, select);
  select.hidden = true;
  select.required = false;

  const entries = [...select.options].map((option, at) => {
    const group = option.parentElement.matches("optgroup") ? option.parentElement.label : "";
    const item = document.createElement("li");
    item.id = `${id}-${at}`;
    item.setAttribute("role", "option");
    item.textContent = option.label;
    const text = plain([option.label, option.dataset.words ?? "", option.value, group].join(" "));
    return { option, item, group, at, text, words: text.split(/[^\p{L}\p{N}]+/u) };
  });
  const distance = ({ words }, terms) =>
    Math.max(...terms.map((term) => (words.includes(term) ? 0 : words.some((word) => word.startsWith(term)) ? 1 : 2)));
  // Groups stay together: the one with the nearest first.
  const nearestFirst = (found, terms) => {
    const far = new Map(found.map((entry) => [entry, distance(entry, terms)]));
    const groups = new Map();
    for (const [{ group }, n] of far) groups.set(group, Math.min(n, groups.get(group) ?? n));
    const places = [...groups.keys()];
    const order = (entry) => [groups.get(entry.group), places.indexOf(entry.group), far.get(entry), entry.at];
    const orders = new Map(found.map((entry) => [entry, order(entry)]));
    return found.sort((one, two) => {
      const at = orders.get(one).findIndex((n, i) => n !== orders.get(two)[i]);
      return at < 0 ? 0 : orders.get(one)[at] - orders.get(two)[at];
    });
  };
  let shown = [];
  let active = -1;

  const chosen = () => select.options[select.selectedIndex];
  const showChosen = () => {
    const option = chosen();
    const isChoice = option && (option.value || select.dataset.searchable === "all");
    input.value = isChoice ? option.label : "";
    input.placeholder = option && !isChoice ? option.label : "";
  };
  const mark = (at) => {
    shown[active]?.item.classList.remove("active");
    active = at;
    const entry = shown[active];
    if (!entry) return input.removeAttribute("aria-activedescendant");
    entry.item.classList.add("active");
    input.setAttribute("aria-activedescendant", entry.item.id);
    entry.item.scrollIntoView({ block: "nearest" });
  };
  const show = (query) => {
    const terms = plain(query).split(/[\s,/_]+/).filter(Boolean);
    shown = entries.filter(({ text }) => terms.every((term) => text.includes(term)));
    if (terms.length) shown = nearestFirst(shown, terms);
    const nodes = [];
    let group = "";
    for (const entry of shown) {
      if (entry.group !== group) {
        group = entry.group;
        const title = document.createElement("li");
        title.className = "group";
        title.setAttribute("role", "presentation");
        title.textContent = group;
        nodes.push(title);
      }
      entry.item.setAttribute("aria-selected", String(entry.option === chosen()));
      entry.item.classList.remove("active");
      nodes.push(entry.item);
    }
    if (!shown.length) {
      const nothing = document.createElement("li");
      nothing.className = "group";
      nothing.setAttribute("role", "presentation");
      nothing.textContent = "Nothing found";
      nodes.push(nothing);
    }
    list.replaceChildren(...nodes);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    active = -1;
    mark(terms.length ? 0 : shown.findIndex(({ option }) => option === chosen()));
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    showChosen();
  };
  const choose = (entry) => {
    const changed = entry.option !== chosen();
    entry.option.selected = true;
    close();
    if (changed) {
      for (const type of ["input", "change"]) select.dispatchEvent(new Event(type, { bubbles: true }));
    }
  };

  input.addEventListener("click", () => {
    if (!list.hidden) return;
    show("");
    input.select();
  });
  // What is typed here is a search, no change of the form yet.
  input.addEventListener("input", (event) => {
    event.stopPropagation();
    show(input.value);
  });
  input.addEventListener("change", (event) => event.stopPropagation());
  input.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return show("");
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (shown.length) mark((active + step + shown.length) % shown.length);
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      if (shown[active]) choose(shown[active]);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const entry = shown.find(({ item }) => item === event.target.closest("li"));
    if (entry && event.button === 0) choose(entry);
  });
  // Somebody else chose another one (drafts.js).
  select.addEventListener("shown", showChosen);
  select.form?.addEventListener("reset", () => setTimeout(showChosen));
  showChosen();
}

for (const select of document.querySelectorAll("select[data-searchable]")) enhance(select);
