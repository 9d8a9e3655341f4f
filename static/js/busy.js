// A form whose button says data-busy="Starting…" is sent once, and says so until the next page is there:
// enrolling a million contacts takes seconds.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  if (button.ariaBusy === "true") return event.preventDefault();
  button.ariaBusy = "true";
  button.dataset.label = button.textContent;
  button.lastChild.textContent = button.dataset.busy;
});
// Back again by the browser's own button: as it was.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll('[data-busy][aria-busy="true"]')) {
    button.ariaBusy = "false";
    button.lastChild.textContent = button.dataset.label;
  }
});
