// The campaign form: fields that depend on others, fields of the contact for the prompt, and what the server
// finds in a draft that was saved (drafts.js).
const form = document.getElementById("editor");

// --- Shown when: data-shown-when="destination=assistant", "machine_detection=detect|wait", "retry_busy", and of
// these several: "a=1 or b=2 and c" ---
const dependents = [...form.querySelectorAll("[data-shown-when]")];
const reveal = () => {
  const data = new FormData(form);
  for (const control of form.querySelectorAll("fieldset:disabled :checked, fieldset:disabled option:checked")) {
    const owner = control.closest("select") ?? control;
    if (owner.name) data.append(owner.name, control.value);
  }
  const holds = (condition) => {
    const [name, values] = condition.split("=");
    return data.getAll(name).some((value) => (values ? values.split("|").includes(value) : value));
  };
  for (const element of dependents) {
    element.hidden = !element.dataset.shownWhen.split(" or ").some((all) => all.split(" and ").every(holds));
  }
};
form.addEventListener("change", reveal);
reveal();

// --- Fields of the contact, put where the cursor is or was ---
form.addEventListener("click", (event) => {
  const token = event.target.closest("[data-insert]");
  const text = token && form.elements.namedItem(token.dataset.into);
  if (!text) return;
  text.setRangeText(`{{ ${token.dataset.insert} }}`, text.selectionStart, text.selectionEnd, "end");
  text.focus();
  text.dispatchEvent(new Event("input", { bubbles: true }));
});

// --- Errors and warnings, as the server finds them ---
const controlOf = (name) => {
  const found = form.elements.namedItem(name);
  return found instanceof RadioNodeList ? found[0] : found;
};
const shownControl = (control) => control?.closest(".combobox")?.querySelector('[role="combobox"]') ?? control;
function showErrors(errors) {
  for (const list of form.querySelectorAll(".errors")) {
    for (const control of list.closest(".field, .card").querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
    list.remove();
  }
  for (const [name, messages] of Object.entries(errors)) {
    const control = controlOf(name);
    const field = control?.closest(".field") ?? control?.closest(".body");
    if (!field) continue;
    const list = document.createElement("ul");
    list.className = "errors";
    list.id = `id_${name}_errors`;
    list.append(...messages.map((message) => Object.assign(document.createElement("li"), { textContent: message })));
    field.insertBefore(list, field.querySelector(":scope > .help"));
    const shown = shownControl(control);
    shown.setAttribute("aria-invalid", "true");
    const described = new Set((shown.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
    shown.setAttribute("aria-describedby", [...described.add(list.id)].join(" "));
  }
}
// What pressing a button found: told above the tabs until none of it is left.
const note = document.getElementById("errors-note");
function tellOfErrors(count) {
  if (!note) return;
  note.hidden = !count;
  const words = `${count} ${count === 1 ? "field needs" : "fields need"} another look before you go on.`;
  note.querySelector("p").textContent = `${words} What you typed is kept.`;
}
function showWarnings(warnings) {
  for (const note of form.querySelectorAll("[data-warning]")) {
    const text = warnings[note.dataset.warning] ?? "";
    note.hidden = !text;
    note.querySelector("span").textContent = text;
  }
}
function markTabs(counts) {
  for (const mark of form.querySelectorAll("[data-tab-errors]")) mark.hidden = !counts[mark.dataset.tabErrors];
}

form.addEventListener("draft-saved", ({ detail }) => {
  markTabs(detail.tabs);
  showWarnings(detail.warnings);
  showErrors(detail.errors);
  tellOfErrors(Object.keys(detail.errors).length);
  reveal();
});

document.querySelector('#editor [data-open] [aria-invalid="true"]')?.focus();
