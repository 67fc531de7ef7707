/* Is what somebody types kept? Says so when it is not, and lets go of this tab's own copy when it is. */
(() => {
  "use strict";
  const keeper = (event) => event.target.closest && event.target.closest("[data-keeps]");
  const say = (kept) => { const line = document.getElementById("not-kept"); if (line) line.hidden = kept; };

  document.addEventListener("htmx:afterOnLoad", (event) => {
    const found = keeper(event);
    if (!found || event.detail.xhr.status !== 200) return;
    say(true);
    sessionStorage.removeItem(`besluitspoor:${document.body.dataset.reader}:${location.pathname}#${found.dataset.keeps}`);
  });
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => { if (keeper(event)) say(false); });
  }
})();
