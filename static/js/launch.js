// A file dropped on the contacts step, or chosen there, is uploaded at once. Without this script a button does it.
const upload = document.querySelector("[data-upload-here]");
if (upload) {
  const drop = upload.querySelector("label");
  const input = upload.querySelector("input[type=file]");
  const says = upload.querySelector("[data-says]");
  const button = upload.querySelector("[type=submit]");
  const words = says.textContent;
  button.hidden = true;
  const send = () => {
    if (!input.files.length) return;
    says.textContent = `Uploading ${input.files[0].name}…`;
    upload.ariaBusy = "true";
    upload.requestSubmit();
  };
  input.addEventListener("change", send);
  // Chosen before this script was there. What a browser would restore is kept from it by autocomplete="off".
  send();
  for (const kind of ["dragenter", "dragover"]) {
    upload.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  upload.addEventListener("dragleave", (event) => {
    if (!upload.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  upload.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    input.files = event.dataTransfer.files;
    send();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    says.textContent = words;
    upload.ariaBusy = "false";
    input.value = "";
  });
}

// Back from an upload that this page sent somebody to: its list is added without another press, once.
const imported = document.querySelector("[data-send-at-once]");
if (imported) {
  history.replaceState(history.state, "", location.pathname);
  imported.requestSubmit();
}
