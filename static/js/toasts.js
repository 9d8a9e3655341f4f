// Toasts say what was done. They come with the page (django.contrib.messages), with an htmx response
// (the "toast" event of its HX-Trigger header), or from here when the server can't be reached.
const region = document.getElementById("toasts");
const SECONDS = { success: 6, info: 6, warning: 12, error: 12 };
// What can be taken back from here alone: time to read, to think, and to get there by keyboard.
const SECONDS_TO_UNDO = 20;

function arm(toast) {
  const least = toast.querySelector(".undo") ? SECONDS_TO_UNDO : 0;
  let rest = Math.max(SECONDS[toast.dataset.level] ?? 6, least) * 1000;
  let since = 0;
  let timer = 0;
  const go = () => {
    // Pointed at and focused: until it is neither.
    if (timer || toast.matches(":hover, :focus-within")) return;
    since = performance.now();
    timer = setTimeout(() => toast.remove(), rest);
  };
  const wait = () => {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    rest -= performance.now() - since;
  };
  // Nobody reads at the speed of a timer.
  toast.addEventListener("pointerenter", wait);
  toast.addEventListener("pointerleave", go);
  toast.addEventListener("focusin", wait);
  // The focus is where it goes to only after this.
  toast.addEventListener("focusout", () => setTimeout(go));
  toast.querySelector("[data-dismiss]").addEventListener("click", () => toast.remove());
  toast.addEventListener("htmx:afterRequest", (event) => {
    toast.remove();
    if (!event.detail.successful) show({ text: "That can’t be undone any more.", level: "error" });
  });
  go();
}

export function show({ text, level = "success", undo = "", see = "" }) {
  const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  toast.classList.add(level);
  toast.dataset.level = level;
  toast.querySelector("p").textContent = text;
  const form = toast.querySelector("form");
  if (undo) {
    form.action = undo;
    form.setAttribute("hx-post", undo);
  } else form.remove();
  const link = toast.querySelector("a");
  if (see) link.href = see;
  else link.remove();
  region.append(toast);
  window.htmx?.process(toast);
  arm(toast);
}

for (const toast of region.querySelectorAll(".toast")) arm(toast);

document.addEventListener("toast", (event) => {
  for (const toast of event.detail.value ?? [event.detail]) show(toast);
});

let away = false;
document.addEventListener("htmx:sendError", () => {
  if (!away) show({ text: "Carillon can’t be reached. What you see may be out of date.", level: "error" });
  away = true;
});
document.addEventListener("htmx:afterOnLoad", () => {
  if (away) show({ text: "Carillon can be reached again.", level: "info" });
  away = false;
});
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  const text =
    { 403: "You may not do that.", 404: "That is gone. Reload the page to see what is there." }[status] ??
    "Something went wrong on the server. It was logged; nothing was half done.";
  show({ text, level: "error" });
});
