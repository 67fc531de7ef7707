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

  /* What replaces a part of the page may be about another moment, by a link in it: the slider follows. */
  function follow() {
    const moved = document.querySelector("[data-moment]");
    const slider = moved && document.getElementById(moved.dataset.slider);
    if (!slider || slider.value === moved.dataset.moment) return;
    slider.value = moved.dataset.moment;
    say(slider);
  }

  /* Another page came in its place, such as the one to sign in: that page is shown, nothing of it here. */
  function elsewhere(event) {
    const { xhr, pathInfo } = event.detail;
    const came = new URL(xhr.responseURL || location.href);
    if (xhr.status < 400 && came.pathname === new URL(pathInfo.finalRequestPath, location.href).pathname) return;
    event.detail.shouldSwap = false;
    location.assign(pathInfo.finalRequestPath);
  }

  document.addEventListener("input", (event) => { if (event.target.matches("input[data-said]")) say(event.target); });
  document.addEventListener("htmx:beforeSwap", elsewhere);
  document.addEventListener("htmx:afterSettle", follow);
})();
