// The campaign form: fields that depend on others, fields of the contact for the prompt, and drafts that
// save themselves.
const form = document.getElementById("editor");

// --- Shown when: data-shown-when="destination=assistant", "machine_detection=detect|wait", "retry_busy" ---
const dependents = [...form.querySelectorAll("[data-shown-when]")];
const reveal = () => {
  const data = new FormData(form);
  for (const control of form.querySelectorAll("fieldset:disabled :checked, fieldset:disabled option:checked")) {
    const owner = control.closest("select") ?? control;
    if (owner.name) data.append(owner.name, control.value);
  }
  for (const element of dependents) {
    const [name, values] = element.dataset.shownWhen.split("=");
    element.hidden = values ? !data.getAll(name).some((value) => values.split("|").includes(value)) : !data.has(name);
  }
};
form.addEventListener("change", reveal);
reveal();

// --- Fields of the contact, put where the cursor is or was ---
const prompt = form.elements.namedItem("prompt");
form.addEventListener("click", (event) => {
  const token = event.target.closest("[data-insert]");
  if (!token || !prompt) return;
  prompt.setRangeText(`{{ ${token.dataset.insert} }}`, prompt.selectionStart, prompt.selectionEnd, "end");
  prompt.focus();
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
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

// --- Drafts save themselves ---
const state = document.getElementById("save-state");
const say = (text, trouble = false) => {
  if (!state) return;
  state.textContent = text;
  state.classList.toggle("trouble", trouble);
};
// Tells unsaved.js that something is not saved, without starting another save.
const KEPT = "kept";
const warnOfUnsaved = () => form.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: KEPT }));

const PAUSE_TYPING_MS = 1200;
const PAUSE_CHOICE_MS = 250;
const RETRY_MS = 5000;
const saves = form.hasAttribute("data-autosave");
let timer = 0;
let dirty = false;
let busy = false;
let refused = false;
let waitingSubmit = null;
let submitted = false;

// A new draft needs a name to be saved under.
const canBeSaved = () => form.elements.namedItem("revision") || controlOf("name").value.trim();
const schedule = (delay) => {
  if (!saves || refused || submitted) return;
  dirty = true;
  if (canBeSaved() && !busy) say("Not saved yet…");
  clearTimeout(timer);
  timer = setTimeout(save, delay);
};
async function save() {
  if (busy || submitted) return;
  if (!canBeSaved()) {
    say("Give it a name, and it is saved as a draft.");
    return;
  }
  dirty = false;
  busy = true;
  say("Saving…");
  try {
    await htmx.ajax("POST", form.action, { source: form, values: { then: "autosave" }, swap: "none" });
  } finally {
    busy = false;
    if (waitingSubmit) form.requestSubmit(waitingSubmit.isConnected ? waitingSubmit : undefined);
    else if (dirty) {
      warnOfUnsaved();
      schedule(PAUSE_TYPING_MS);
    }
  }
}
form.addEventListener("input", (event) => {
  if (event.detail !== KEPT) schedule(PAUSE_TYPING_MS);
});
form.addEventListener("change", () => schedule(PAUSE_CHOICE_MS));

form.addEventListener("draft-saved", ({ detail }) => {
  const troubled = Object.keys(detail.errors);
  markTabs(detail.tabs);
  showWarnings(detail.warnings);
  showErrors(detail.errors);
  if (!detail.saved) {
    say("Not saved yet: give it a name that can be used.", true);
    warnOfUnsaved();
    return;
  }
  if (form.action !== new URL(detail.url, location.href).href) {
    form.action = detail.url;
    history.replaceState(history.state, "", detail.url + location.hash);
  }
  let revision = form.elements.namedItem("revision");
  if (!revision) {
    revision = Object.assign(document.createElement("input"), { type: "hidden", name: "revision" });
    form.prepend(revision);
  }
  revision.value = detail.revision;
  if (troubled.length) {
    say(`Saved at ${detail.at}, except: ${troubled.map((name) => detail.labels[name]).join(", ")}`, true);
    warnOfUnsaved();
  } else {
    say(`Draft saved at ${detail.at}`);
  }
  const preflight = document.getElementById("preflight");
  if (preflight?.hasAttribute("hx-get")) htmx.trigger(preflight, "refresh");
});
form.addEventListener("draft-refused", ({ detail }) => {
  refused = true;
  say(detail.value ?? "Not saved.", true);
  warnOfUnsaved();
});
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  form.addEventListener(failure, (event) => {
    if (event.detail.requestConfig?.elt !== form) return;
    say("Not saved: the server can’t be reached. Trying again…", true);
    warnOfUnsaved();
    schedule(RETRY_MS);
  });
}

// A draft that is just being made would be made twice: wait for its address. Nothing is sent twice.
form.addEventListener("submit", (event) => {
  if (submitted) return event.preventDefault();
  if (busy) {
    event.preventDefault();
    waitingSubmit = event.submitter ?? form.querySelector("[type=submit]");
    return;
  }
  submitted = true;
  clearTimeout(timer);
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  submitted = false;
  waitingSubmit = null;
});

if (form.hasAttribute("data-unsaved")) {
  warnOfUnsaved();
  schedule(PAUSE_CHOICE_MS);
}
document.querySelector('#editor [data-open] [aria-invalid="true"]')?.focus();
