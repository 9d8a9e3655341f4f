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
// Back to a page whose boxes the browser has kept.
addEventListener("pageshow", showAll);
showAll();
