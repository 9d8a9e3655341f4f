// A file dropped onto the upload form, and what was chosen said in words. Without this script the
// browser's own file input does the same.
const form = document.querySelector("[data-upload]");
const drop = form.querySelector("[data-drop]");
const input = drop.querySelector("input[type=file]");
const chosen = drop.querySelector("[data-chosen]");
const size = drop.querySelector("[data-size]");
const list = form.elements.list_name;
const limit = Number(form.dataset.limitMb) * 1024 * 1024;
drop.classList.add("scripted");

const words = (bytes) =>
  bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024)).toLocaleString("en")} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;

function show() {
  const file = input.files[0];
  if (!file) return;
  const tooLarge = file.size > limit;
  input.setCustomValidity(tooLarge ? `The file is larger than ${form.dataset.limitMb} MB.` : "");
  drop.classList.add("filled");
  chosen.textContent = file.name;
  size.textContent = tooLarge ? `${words(file.size)}: larger than ${form.dataset.limitMb} MB` : `${words(file.size)}. Drop another one to replace it.`;
  if (list) list.placeholder = file.name.replace(/\.[^.]+$/, "");
  form.querySelector("#file-errors")?.remove();
}
input.addEventListener("change", show);
// A page restored by the Back button keeps its file.
show();

for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
form.addEventListener("dragleave", (event) => {
  if (!form.contains(event.relatedTarget)) drop.classList.remove("over");
});
form.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  drop.classList.remove("over");
  input.files = event.dataTransfer.files;
  show();
});
form.addEventListener("submit", () => {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  button.textContent = "Uploading…";
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = false;
  button.textContent = "Continue";
});
