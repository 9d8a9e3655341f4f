// The table of calls and the panel beside it: which row is chosen, and the keys j and k.
const panel = () => document.getElementById("call");
const chosen = () => panel()?.querySelector("[name=call]")?.value ?? "";
const links = () => [...document.querySelectorAll(".calls a.whole")];
const row = (link) => link.closest("tr");

function mark() {
  const call = chosen();
  for (const link of links()) {
    const isChosen = row(link).dataset.call === call;
    if (isChosen) row(link).setAttribute("aria-selected", "true");
    else row(link).removeAttribute("aria-selected");
    if (isChosen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
mark();
document.addEventListener("htmx:afterSwap", (event) => {
  mark();
  if (event.target.id !== "call") return;
  // On a narrow screen the panel is above the table.
  const { top, bottom } = panel().getBoundingClientRect();
  if (top < 0 || bottom < 0) panel().scrollIntoView({ block: "start" });
  panel().scrollTop = 0;
});

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-close-call]")) return;
  const link = links().find((one) => row(one).dataset.call === chosen());
  const { pathname, searchParams } = new URL(location.href);
  searchParams.delete("call");
  history.pushState({ htmx: true }, "", searchParams.size ? `${pathname}?${searchParams}` : pathname);
  panel().replaceChildren();
  mark();
  link?.focus();
});

document.addEventListener("keydown", (event) => {
  if (!["j", "k"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches?.("input:not([type=range]), textarea, select") || document.querySelector("dialog[open], :popover-open")) return;
  const all = links();
  if (!all.length) return;
  const at = all.findIndex((link) => row(link).dataset.call === chosen());
  const next = at < 0 ? all[0] : all[at + (event.key === "j" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});

// Addresses without empty filters, and filters that say what the address does.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get" || !event.detail.elt.closest?.("#results")) return;
  for (const [name, value] of [...event.detail.formData.entries()]) if (value === "") event.detail.formData.delete(name);
});
document.addEventListener("htmx:pushedIntoHistory", () => {
  const address = new URL(location.href).searchParams;
  for (const field of document.querySelectorAll(".find :is(input, select)[name]")) {
    if (field === document.activeElement || field.type === "hidden") continue;
    if (field.type === "checkbox") {
      field.checked = field.defaultChecked = address.getAll(field.name).includes(field.value);
    } else {
      field.value = address.get(field.name) ?? "";
      field.dispatchEvent(new Event("shown"));
    }
  }
});

// Several to choose from: closed by Escape, and by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const picker of document.querySelectorAll(".picker[open]")) if (!picker.contains(event.target)) picker.open = false;
});
document.addEventListener("keydown", (event) => {
  const picker = event.key === "Escape" && event.target.closest?.(".picker[open]");
  if (!picker) return;
  picker.open = false;
  picker.querySelector("summary").focus();
});

// Notes say when they are being saved, and when they could not be.
const state = () => document.getElementById("notes-state");
document.addEventListener("input", (event) => {
  if (event.target.id === "notes" && state()) state().textContent = "…";
});
for (const name of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(name, (event) => {
    if (event.target.id === "notes" && state()) state().textContent = "Not saved. Kept here; type on to try again.";
  });
}
