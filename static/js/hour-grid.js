// The hour grid: 168 checkboxes that can be painted.
//
// Drag paints a rectangle with what the first cell became, and gives back what it leaves again; a click on a day or an hour switches all of it. By keyboard the
// grid is one stop: arrow keys move through hours, days and their headings, the space bar switches, with
// Shift held the arrows paint. Each gesture is one "change", as a single checkbox would tell. On a narrow
// screen the grid lies on its side (campaigns-editor.css), and the arrow keys with it.
const range = (from, to) => [...Array(to - from).keys()].map((n) => n + from);
const DAYS = range(0, 7);
const HOURS = range(0, 24);
const PRESETS = {
  business: (day, hour) => day < 5 && hour >= 9 && hour < 17,
  evenings: (day, hour) => hour >= 17 && hour < 20,
  weekends: (day, hour) => day >= 5 && hour >= 10 && hour < 18,
  always: () => true,
  never: () => false,
};

const TURNED = { ArrowUp: "ArrowLeft", ArrowDown: "ArrowRight", ArrowLeft: "ArrowUp", ArrowRight: "ArrowDown" };

const grid = document.getElementById("hour-grid");
if (grid) {
  const words = document.getElementById("hours-in-words");
  const readOnly = grid.closest("fieldset")?.disabled ?? false;
  const cells = DAYS.map((day) => HOURS.map((hour) => grid.querySelector(`[value="${day}-${hour}"]`)));

  const heading = (th, label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    button.setAttribute("aria-label", label);
    th.replaceChildren(button);
    return button;
  };
  const hourHeads = HOURS.map((hour) => heading(grid.querySelector(`[data-hour="${hour}"]`), `${hour}:00 on every day`));
  const dayHeads = DAYS.map((day) => {
    const th = grid.querySelector(`[data-day="${day}"]`);
    return heading(th, `${th.dataset.name}, all day`);
  });
  // What the arrow keys move through: row 0 and column 0 are the headings, the corner is nothing.
  const stops = [[null, ...hourHeads], ...DAYS.map((day) => [dayHeads[day], ...cells[day]])];
  for (const stop of stops.flat()) if (stop) stop.tabIndex = -1;
  let here = [1, 1];
  const stopAt = ([row, column]) => stops[row]?.[column] ?? null;
  stopAt(here).tabIndex = 0;

  const standOn = (place, { focus = true } = {}) => {
    stopAt(here).tabIndex = -1;
    here = place;
    stopAt(here).tabIndex = 0;
    if (focus) stopAt(here).focus({ focusVisible: true });
  };
  const placeOf = (element) => {
    for (const row of stops.keys()) {
      const column = stops[row].indexOf(element);
      if (element && column >= 0) return [row, column];
    }
    return null;
  };

  // Wherever a finger or the browser's own search put the focus, the arrow keys go on from there.
  grid.addEventListener("focusin", (event) => {
    const place = placeOf(event.target);
    if (place) standOn(place, { focus: false });
  });

  const tell = () => grid.dispatchEvent(new Event("change", { bubbles: true }));
  const toggleAll = (inputs) => {
    const on = !inputs.every((input) => input.checked);
    for (const input of inputs) input.checked = on;
    tell();
  };

  // --- In words ---
  const update = () => htmx.trigger(words, "update");
  for (const type of ["change", "shown"]) grid.addEventListener(type, update);
  document.querySelector('[name="time_zone"]')?.addEventListener("change", update);

  if (!readOnly) {
    // --- By pointer; fingers scroll the grid, and tap ---
    // What is painted, from which cell, and what the cells held before.
    let painting = null;
    const paintTo = (input) => {
      const to = placeOf(input);
      const spans = (at, n) => at >= Math.min(painting.from[n], to[n]) && at <= Math.max(painting.from[n], to[n]);
      for (const day of DAYS) {
        for (const hour of HOURS) {
          const isInside = spans(day + 1, 0) && spans(hour + 1, 1);
          cells[day][hour].checked = isInside ? painting.on : painting.before[day][hour];
        }
      }
    };
    const inputAt = (target) => target.closest?.("#hour-grid td")?.querySelector("input");
    grid.addEventListener("pointerdown", (event) => {
      const input = inputAt(event.target);
      if (!input || event.button !== 0 || event.pointerType === "touch") return;
      event.preventDefault();
      painting = { on: !input.checked, from: placeOf(input), before: cells.map((row) => row.map((cell) => cell.checked)) };
      paintTo(input);
      standOn(placeOf(input), { focus: false });
      input.focus({ focusVisible: false });
    });
    grid.addEventListener("pointerover", (event) => {
      const input = painting === null ? null : inputAt(event.target);
      if (input) paintTo(input);
    });
    addEventListener("pointerup", () => {
      if (painting === null) return;
      painting = null;
      tell();
    });
    addEventListener("pointercancel", () => (painting = null));
    grid.addEventListener("click", (event) => {
      const input = inputAt(event.target);
      // Painted at pointerdown already; the click would switch it back. Keys and taps have no pointer.
      if (input && event.pointerType && event.pointerType !== "touch") event.preventDefault();
      const head = event.target.closest("th button");
      if (!head) return;
      standOn(placeOf(head), { focus: false });
      const day = dayHeads.indexOf(head);
      toggleAll(day >= 0 ? cells[day] : cells.map((row) => row[hourHeads.indexOf(head)]));
    });

    for (const presets of document.querySelectorAll("[data-presets]")) {
      presets.hidden = false;
      presets.addEventListener("click", (event) => {
        const chosen = PRESETS[event.target.closest("[data-preset]")?.dataset.preset];
        if (!chosen) return;
        for (const day of DAYS) for (const hour of HOURS) cells[day][hour].checked = chosen(day, hour);
        tell();
      });
    }
  }

  // --- By keyboard ---
  grid.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) {
      // Would send the form.
      event.preventDefault();
      event.target.click();
      return;
    }
    const [row, column] = here;
    const isOnItsSide = getComputedStyle(grid).display === "grid";
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [event.ctrlKey ? 1 : row, row ? 0 : 1],
      End: [event.ctrlKey ? 7 : row, 24],
    }[(isOnItsSide && TURNED[event.key]) || event.key];
    if (!to || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (!stopAt(to)) return;
    const from = stopAt(here);
    standOn(to);
    const next = stopAt(to);
    if (event.shiftKey && from.matches("input") && next.matches("input") && next.checked !== from.checked) {
      next.checked = from.checked;
      tell();
    }
  });
}
