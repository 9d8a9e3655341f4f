// Refreshing without disturbing.
//
// An element with hx-trigger="live" is asked for every data-every seconds (10 if not said), while the tab
// is visible; the server's answer without that trigger ends it. data-version goes along as If-None-Match,
// and 304 means that nothing changed.
//
// hx-swap="morph" changes the page into the answer instead of replacing it: elements that stay the same
// are not touched, so focus, scroll, open menus and dialogs, and what is being typed survive.
const due = new WeakMap();

setInterval(() => {
  if (document.hidden) return;
  const now = performance.now();
  for (const element of document.querySelectorAll('[hx-trigger~="live"], [hx-trigger^="live,"]')) {
    const every = Number(element.dataset.every ?? 10) * 1000;
    if (!due.has(element)) due.set(element, now + every);
    else if (now >= due.get(element)) {
      due.set(element, now + every);
      element.dispatchEvent(new CustomEvent("live"));
    }
  }
}, 500);

// Seen again after a while: at once, not in ten seconds.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll('[hx-trigger~="live"], [hx-trigger^="live,"]')) {
    if ((due.get(element) ?? Infinity) < performance.now()) {
      due.set(element, performance.now() + Number(element.dataset.every ?? 10) * 1000);
      element.dispatchEvent(new CustomEvent("live"));
    }
  }
});

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, verb, triggeringEvent, headers } = event.detail;
  if (verb === "get" && triggeringEvent?.type === "live" && elt.dataset.version) {
    headers["If-None-Match"] = `"${elt.dataset.version}"`;
  }
});

// "updated 3 s ago": when the server was last heard of what [data-heard] stands beside.
let heard = Date.now();
const stamp = () => {
  const seconds = Math.floor((Date.now() - heard) / 1000);
  const words = seconds < 2 ? "updated just now" : seconds < 60 ? `updated ${seconds} s ago` : `updated ${Math.floor(seconds / 60)} min ago`;
  for (const element of document.querySelectorAll("[data-heard]")) {
    if (element.textContent !== words) element.textContent = words;
  }
};
setInterval(() => document.hidden || stamp(), 1000);
document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (!requestConfig.elt?.closest?.("[data-live]")) return;
  if ((xhr.status >= 200 && xhr.status < 300) || xhr.status === 304) {
    heard = Date.now();
    stamp();
  }
});

// --- Morphing ------------------------------------------------------------------------------------------

// By the attribute: a form with a field named "id" has that field as its property.
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("id") || node.dataset.key || "" : "");
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
// Open things belong to the person who opened them; the server doesn't know of them.
const OPEN = "dialog[open], :popover-open";
// data-sticky="paused": the answer to a deed, which a poll knows nothing of. It stays until the thing it
// was said of (the data-status around it) has another status, or the next deed.
let isPoll = false;
const isSticky = (node, parent) =>
  isPoll &&
  node.nodeType === Node.ELEMENT_NODE &&
  node.dataset.sticky !== undefined &&
  node.dataset.sticky === parent.closest("[data-status]")?.dataset.status;
document.addEventListener("htmx:beforeSwap", (event) => {
  isPoll = event.detail.requestConfig.verb === "get" && event.detail.requestConfig.triggeringEvent?.type !== "click";
});

// So do boxes somebody has ticked in a form that chooses: a row that has moved on stays until it is let go.
const TICKED = "[data-choose] input[name=id]:checked";
const inUse = (node) =>
  node.nodeType === Node.ELEMENT_NODE &&
  (node.matches(OPEN) || node.querySelector(OPEN) !== null || (isPoll && node.querySelector(TICKED) !== null));
const edited = (field) =>
  field.type === "checkbox" || field.type === "radio"
    ? field.checked !== field.defaultChecked
    : field.tagName === "SELECT"
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.value !== field.defaultValue;

// moveBefore keeps focus and open menus of what it moves; older browsers don't have it.
const move = (parent, child, before) =>
  parent.moveBefore ? parent.moveBefore(child, before) : parent.insertBefore(child, before);

function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    const kept =
      (name === "open" && from.matches("dialog, details")) ||
      (name === "style" && from.matches(".menu")) ||
      (name === "aria-expanded" && from.hasAttribute("popovertarget")) ||
      (name === "class" && from.classList.contains("htmx-request")) ||
      (name === "hidden" && from.hasAttribute("data-for-chosen"));
    if (!kept && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (name === "aria-expanded" && from.hasAttribute("popovertarget")) continue;
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  if (from.hasAttribute("data-keep") || from.isEqualNode(to)) return;
  if (from.matches("input, textarea, select")) {
    // What a person typed or chose, or is about to, is theirs.
    if (document.activeElement === from || edited(from)) return;
    attributes(from, to);
    if (from.matches("select")) from.replaceChildren(...to.childNodes);
    else if (from.matches("textarea")) from.value = from.defaultValue = to.defaultValue;
    else if (from.value !== to.value) from.value = to.value;
    return;
  }
  attributes(from, to);
  children(from, to);
}

function children(from, to) {
  const keyed = new Map();
  for (const child of from.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  const wanted = new Set([...to.children].map(keyOf).filter(Boolean));
  let here = from.firstChild;
  for (const next of [...to.childNodes]) {
    const key = keyOf(next);
    // Nodes on the way that are not asked for any more are left for the end of the list.
    while (here && !alike(here, next) && keyOf(here) && !wanted.has(keyOf(here)) && !inUse(here)) {
      const gone = here;
      here = here.nextSibling;
      gone.remove();
    }
    if (key && keyed.has(key) && keyed.get(key).nodeName === next.nodeName) {
      const child = keyed.get(key);
      if (child === here) here = here.nextSibling;
      else move(from, child, here);
      morph(child, next);
    } else if (here && alike(here, next)) {
      const child = here;
      here = here.nextSibling;
      morph(child, next);
    } else {
      from.insertBefore(next, here);
    }
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    if (!inUse(gone) && !isSticky(gone, to)) gone.remove();
  }
}

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment) {
    if (style !== "morph") return false;
    const next = fragment.firstElementChild;
    if (!next) {
      target.remove();
      return [];
    }
    // A person who looks at the page in its middle should not see it jump.
    const { scrollX, scrollY } = window;
    attributes(target, next);
    children(target, next);
    scrollTo({ left: scrollX, top: scrollY, behavior: "instant" });
    htmx.process(target);
    // Nothing for htmx to settle: it would focus what says autofocus.
    return [];
  },
});
