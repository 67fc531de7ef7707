/* A standard sentence goes into the field without a page load, and a box ticks all others. */
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sentence]");
    const field = button && document.getElementById(button.dataset.into);
    if (!field) return;
    event.preventDefault();
    const before = field.value.trimEnd();
    field.value = before ? `${before}\n\n${button.textContent.trim()}` : button.textContent.trim();
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
    field.focus();
  });

  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-tick-all]");
    if (!all) return;
    for (const box of document.getElementsByName(all.dataset.tickAll)) box.checked = all.checked;
  });
})();
