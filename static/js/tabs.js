// Tabs by pointer and keyboard: [data-tabs] holds role="tab" buttons, each controlling a panel by its id.
// The open tab is in the address (#schedule), so that a link can open one and a reload keeps it.
for (const list of document.querySelectorAll("[data-tabs]")) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  const open = (tab, { focus = false, remember = true } = {}) => {
    for (const each of tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      panelOf(each).toggleAttribute("data-open", chosen);
    }
    if (focus) tab.focus();
    if (remember) history.replaceState(history.state, "", `#${tab.getAttribute("aria-controls")}`);
  };

  const named = () => tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);

  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) open(tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    open(tabs[(to + tabs.length) % tabs.length], { focus: true });
  });
  addEventListener("hashchange", () => named() && open(named(), { remember: false }));

  // Errors come first: their tab was opened by the server.
  const hasErrors = list.querySelector("[data-tab-errors]:not([hidden])");
  if (!hasErrors && named()) open(named(), { remember: false });
}
