// <form data-warn> warns before leaving with changes that were not saved.
const changed = new Set();

document.addEventListener("input", (event) => {
  const form = event.target.form ?? event.target.closest?.("form");
  if (form?.matches("[data-warn]")) changed.add(form);
});
document.addEventListener("submit", (event) => changed.delete(event.target));
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form");
  if (form && event.detail.successful && event.detail.requestConfig.verb !== "get") changed.delete(form);
});
addEventListener("beforeunload", (event) => {
  if ([...changed].some((form) => form.isConnected && form.matches("[data-warn]"))) event.preventDefault();
});
