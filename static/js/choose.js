// <form data-choose>: checkboxes named id, one [data-choose-all] for those of the page, and perhaps one named
// found for all that match. What is data-for-chosen shows once something is chosen; [data-chosen] says how much.
function show(form) {
  const boxes = [...form.querySelectorAll('input[name="id"]')];
  const all = form.querySelector("[data-choose-all]");
  const found = form.querySelector('input[name="found"]');
  const chosen = boxes.filter((box) => box.checked).length;
  if (all) {
    all.checked = boxes.length > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  const isEverybody = Boolean(found?.checked);
  for (const box of [...boxes, all]) if (box) box.disabled = isEverybody;
  for (const part of form.querySelectorAll("[data-for-chosen]")) part.hidden = !chosen && !isEverybody;
  const said = form.querySelector("[data-chosen]");
  if (said) said.textContent = isEverybody || !chosen ? "" : `${chosen} chosen`;
}

// Shift and a click choose, or let go, all rows from the one clicked before.
let last = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest?.('form[data-choose] input[name="id"]');
  if (!box) return;
  if (event.shiftKey && last?.form === box.form && last.isConnected) {
    const boxes = [...box.form.querySelectorAll('input[name="id"]')];
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
    show(box.form);
  }
  last = box;
});

// What was chosen has been dealt with.
document.addEventListener("unchoose", () => {
  for (const form of document.querySelectorAll("form[data-choose]")) {
    for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false;
    show(form);
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-choose]");
  if (!form) return;
  if (event.target.matches("[data-choose-all]")) {
    for (const box of form.querySelectorAll('input[name="id"]')) box.checked = event.target.checked;
  }
  show(form);
});

const showAll = () => {
  for (const form of document.querySelectorAll("form[data-choose]")) show(form);
};
document.addEventListener("htmx:afterSettle", showAll);
// A refresh (live.js) settles nothing.
document.addEventListener("htmx:afterSwap", showAll);
// Back to a page whose boxes the browser has kept.
addEventListener("pageshow", showAll);
showAll();
