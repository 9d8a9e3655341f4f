// Runs before the first paint, so that a chosen theme never flashes. Loaded in the head, not deferred.
(() => {
  const root = document.documentElement;
  const choose = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // Storage may be switched off; then the system decides.
    }
  };
  choose(kept());

  const mark = () => {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme ?? "system")));
    }
  };
  addEventListener("DOMContentLoaded", mark);
  // Another tab changed it.
  addEventListener("storage", (event) => {
    if (event.key === "theme") {
      choose(event.newValue);
      mark();
    }
  });
  addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (!button) return;
    const theme = button.dataset.themeChoice;
    choose(theme);
    try {
      if (theme === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", theme);
    } catch {
      // Kept for this page only.
    }
    mark();
  });
})();
