// data-dialog="id" opens a <dialog>, data-close closes the one around it, a click beside it too.
// What htmx puts into #dialog is asked at once.
// data-confirm="text" in an input keeps the dialog's submit button disabled until it is typed.
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog]");
  if (opener) {
    event.preventDefault();
    const dialog = document.getElementById(opener.dataset.dialog);
    if (dialog && !dialog.open) {
      dialog.showModal();
      guard(dialog);
    }
    return;
  }
  const closer = event.target.closest?.("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  else if (event.target.matches?.("dialog.dialog")) event.target.close();
});

function guard(dialog) {
  for (const input of dialog.querySelectorAll("[data-confirm]")) {
    const button = input.form?.querySelector("[type=submit]");
    if (button) button.disabled = words(input.value) !== words(input.dataset.confirm);
  }
}

// As the page shows a text: one space where it has several.
function words(text) {
  return text.trim().split(/\s+/).join(" ");
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-confirm]")) guard(event.target.closest("dialog") ?? event.target.form);
});

// A form in a dialog was sent by htmx and accepted: the dialog has done its work.
document.addEventListener("htmx:afterRequest", (event) => {
  const dialog = event.target.closest?.("dialog[open]");
  // To htmx, a refusal (409) or a form with errors (422) is a success: it is shown.
  const isDone = event.detail.successful && event.detail.xhr.status < 400;
  if (dialog && isDone && event.detail.requestConfig.verb !== "get") dialog.close();
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "dialog") return;
  const dialog = event.target.querySelector("dialog");
  if (!dialog) return;
  dialog.showModal();
  guard(dialog);
});
