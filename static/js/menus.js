// Menus are popovers: the browser opens, closes and layers them, and CSS puts them beside their buttons
// (components.css). This does that where CSS can't yet, and adds the arrow keys.
const PLACED_BY_CSS = CSS.supports("position-area: block-end");
const GAP = 4;

const invoker = (menu) => document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
const items = (menu) => [...menu.querySelectorAll("a[href], button:not(:disabled)")];

function place(menu) {
  const button = invoker(menu);
  if (!button || PLACED_BY_CSS) return;
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = at.bottom + GAP + height <= innerHeight;
  const top = below ? at.bottom + GAP : at.top - GAP - height;
  // Opens towards the side with more room: a menu at the right edge is aligned with its button's right.
  const left = at.left + width > innerWidth - GAP ? at.right - width : at.left;
  menu.style.top = `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`;
  menu.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
}

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!menu.matches?.(".menu[popover]")) return;
    const open = event.newState === "open";
    invoker(menu)?.setAttribute("aria-expanded", String(open));
    if (open) {
      place(menu);
      // Opened by keyboard: the first entry is where the person goes on.
      if (invoker(menu)?.matches(":focus-visible")) items(menu)[0]?.focus();
    }
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]:popover-open");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const entries = items(menu);
  const at = entries.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  entries.at(next % entries.length)?.focus();
});

// What was chosen is done: the menu goes.
document.addEventListener("click", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (menu && event.target.closest("a, button") && !event.target.closest("[data-stay]")) menu.hidePopover();
});

const close = () => {
  for (const menu of document.querySelectorAll(".menu:popover-open")) menu.hidePopover();
};
addEventListener("resize", close);
addEventListener(
  "scroll",
  (event) => {
    if (!event.target.closest?.(".menu")) for (const menu of document.querySelectorAll(".menu:popover-open")) place(menu);
  },
  { capture: true, passive: true },
);
