// Keys are declared where they act: data-key="g c" on a link clicks it, on an input focuses it.
let pending = "";
let timer = 0;

const typing = (element) =>
  element.isContentEditable || element.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (event.key === "Escape" && event.target.matches?.("input[data-key]")) event.target.blur();
  if (typing(event.target) || document.querySelector("dialog[open]") || event.key.length !== 1) return;
  const keys = pending ? `${pending} ${event.key}` : event.key;
  // What is in a menu can be reached by its key without opening the menu.
  const find = (value) =>
    [...document.querySelectorAll(`[data-key="${CSS.escape(value)}"]`)].find(
      (element) => element.checkVisibility() || element.closest("[popover]"),
    );
  const target = find(keys) ?? find(event.key);
  clearTimeout(timer);
  pending = "";
  if (target) {
    event.preventDefault();
    if (target.matches("input, textarea")) {
      target.focus();
      target.select();
    } else target.click();
  } else if (document.querySelector(`[data-key^="${CSS.escape(event.key)} "]`)) {
    pending = event.key;
    timer = setTimeout(() => (pending = ""), 1000);
  }
});
