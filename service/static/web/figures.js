/* A slider says in words where it stands while it moves: beside it, and to a screen reader. */
(() => {
  "use strict";
  const months = new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" });

  function words(slider) {
    const value = Number(slider.value);
    if (slider.dataset.said === "month") return months.format(new Date(Date.UTC(Math.floor(value / 12), value % 12, 1)));
    return slider.dataset.said.replace("{value}", slider.value);
  }

  function say(slider) {
    const said = words(slider);
    slider.setAttribute("aria-valuetext", said);
    for (const output of document.querySelectorAll(`output[for="${CSS.escape(slider.id)}"]`)) output.textContent = said;
  }

  /* What replaces a part of the page may bring a link to another moment: the slider follows. */
  function follow(event) {
    const moved = event.detail.elt.querySelector ? document.querySelector("[data-moment]") : null;
    const slider = moved && document.getElementById(moved.dataset.slider);
    if (!slider || slider.value === moved.dataset.moment) return;
    slider.value = moved.dataset.moment;
    say(slider);
  }

  document.addEventListener("input", (event) => { if (event.target.matches("input[data-said]")) say(event.target); });
  document.addEventListener("htmx:afterSettle", follow);
})();
