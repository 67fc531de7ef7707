/* What pages do beyond HTML. Without this file everything still works, with a few more page loads. */
(() => {
  "use strict";
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  function show(id, shown) {
    const found = document.getElementById(id);
    if (found) found.hidden = !shown;
  }

  /* Does an open page follow what happens? It asks every few seconds; what is marked data-live is then replaced. */
  const PAUSE = 3000;
  let tag = null;

  async function look() {
    const regions = document.querySelectorAll("[data-live]");
    const inbox = document.querySelector("[data-inbox]");
    if ((regions.length === 0 && !inbox) || document.hidden) return;
    const about = new URLSearchParams();
    const main = document.querySelector("[data-case]");
    if (main) {
      about.set("case", main.dataset.case);
      about.set("version", main.dataset.version);
    }
    if (inbox) about.set("inbox", inbox.dataset.inbox);
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(`/live?${about}`, { headers, redirect: "manual", cache: "no-store" });
    // Sent on to the sign-in page: the session is over.
    show("signed-out", answer.type === "opaqueredirect");
    const first = tag === null;
    tag = answer.headers.get("ETag") || tag;
    const heard = inbox !== null && unread(inbox, answer.headers.get("Inbox"));
    if (regions.length > 0 && answer.status === 204 && (heard || main || !first)) await renew();
  }

  /* Is one's inbox another than the page shows? Its count stands in the header of every page. */
  function unread(inbox, now) {
    if (!now || now === inbox.dataset.inbox) return false;
    inbox.dataset.inbox = now;
    const count = parseInt(now, 10);
    for (const place of document.querySelectorAll("[data-unread]")) {
      place.hidden = count === 0;
      place.querySelector("[data-unread-count]").textContent = count >= 100 ? "99+" : count;
    }
    return true;
  }

  async function renew() {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, redirect: "manual" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    let changed = false;
    for (const region of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(region.id);
      if (!fresh || region.contains(document.activeElement)) continue;
      // What somebody has ticked there and not sent yet is not taken away.
      if (region.querySelector("input[type=checkbox]:checked")) continue;
      if (fresh.innerHTML === region.innerHTML) continue;
      region.replaceWith(document.importNode(fresh, true));
      if (window.htmx) window.htmx.process(document.getElementById(region.id));
      changed = true;
    }
    const about = page.querySelector("[data-case]");
    const here = document.querySelector("[data-case]");
    if (about && here) here.dataset.version = about.dataset.version;
    if (changed) announce();
  }

  function announce() {
    const place = document.getElementById("updated");
    if (!place) return;
    place.hidden = false;
    place.textContent = "";
    requestAnimationFrame(() => { place.textContent = place.dataset.text; });
  }

  function follow() {
    const next = () => setTimeout(follow, PAUSE * (0.8 + 0.4 * Math.random()));
    look().then(connected, lost).then(next);
  }

  const connected = () => show("offline", false);
  const lost = () => show("offline", true);
  window.addEventListener("offline", lost);
  window.addEventListener("online", connected);

  /* What somebody types is kept in this tab until it has been sent and recorded. */
  const STORE = "besluitspoor:";
  const place = (form) => `${STORE}${location.pathname}#${form.id}`;
  const KEEP_NOT = new Set(["csrf", "once", "version"]);

  function keep(form) {
    const fields = [];
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && !KEEP_NOT.has(name)) fields.push([name, value]);
    }
    sessionStorage.setItem(place(form), JSON.stringify(fields));
  }

  function restore(form) {
    const kept = sessionStorage.getItem(place(form));
    if (!kept || form.dataset.keep === "sent") return;
    const fields = new Map();
    for (const [name, value] of JSON.parse(kept)) fields.set(name, [...(fields.get(name) || []), value]);
    let back = false;
    for (const field of form.elements) {
      if (!field.name || KEEP_NOT.has(field.name) || field.type === "hidden" || !fields.has(field.name)) continue;
      const values = fields.get(field.name);
      if (field.type === "checkbox" || field.type === "radio") {
        const ticked = values.includes(field.value);
        back ||= field.checked !== ticked;
        field.checked = ticked;
      } else if (field.value !== values[0]) {
        field.value = values[0];
        back = true;
      }
    }
    const said = form.querySelector("[data-restored]");
    if (back && said) said.hidden = false;
  }

  async function reachable() {
    try {
      const answer = await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      return answer.ok;
    } catch {
      return false;
    }
  }

  function forms() {
    if (document.querySelector("[data-recorded]")) {
      const sent = sessionStorage.getItem(`${STORE}sent`);
      if (sent) sessionStorage.removeItem(sent);
    }
    sessionStorage.removeItem(`${STORE}sent`);
    for (const form of document.querySelectorAll("form[data-keep]")) {
      restore(form);
      form.addEventListener("input", () => keep(form));
      form.addEventListener("submit", async (event) => {
        if (form.dataset.checked === "yes") return;
        event.preventDefault();
        const button = event.submitter;
        keep(form);
        if (!(await reachable())) {
          lost();
          document.getElementById("offline").scrollIntoView();
          return;
        }
        sessionStorage.setItem(`${STORE}sent`, place(form));
        form.dataset.checked = "yes";
        form.requestSubmit(button);
        setTimeout(() => { form.dataset.checked = ""; }, 2000);
      });
    }
  }

  /* Keyboard shortcuts: g and then a letter goes to a page, / searches. They can be turned off. */
  let before = "";
  const wanted = () => localStorage.getItem(`${STORE}keys`) !== "off";

  function pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (!wanted()) return;
    const said = (before + " " + event.key).trim();
    before = event.key === "g" && before === "" ? "g" : "";
    const found = document.querySelector(`[data-shortcut="${CSS.escape(said)}"]`);
    if (!found) return;
    event.preventDefault();
    before = "";
    if (found.matches("input")) found.focus();
    else found.click();
  }

  function switches() {
    const box = document.getElementById("keys-on");
    if (!box) return;
    box.checked = wanted();
    box.addEventListener("change", () => localStorage.setItem(`${STORE}keys`, box.checked ? "on" : "off"));
  }

  /* Buttons that only make sense with a script. */
  function scripted() {
    for (const button of document.querySelectorAll("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    }
    for (const opener of document.querySelectorAll("[data-dialog]")) {
      opener.addEventListener("click", (event) => {
        const dialog = document.getElementById(opener.dataset.dialog);
        if (!dialog || !dialog.showModal) return;
        event.preventDefault();
        dialog.showModal();
      });
    }
  }

  /* What leads to a page that asks whether one is sure, asks it here: the same words and the same form, in a dialog. */
  async function confirming(event) {
    const link = event.target.closest("a[data-confirm]");
    const dialog = document.getElementById("asks-first");
    if (!link || !dialog || !dialog.showModal) return;
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    let asked = null;
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, redirect: "manual" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      asked = answer.ok ? page.querySelector("[data-confirmation]") : null;
    } catch { /* the page itself says what is wrong */ }
    if (!asked) {
      location.href = link.href;
      return;
    }
    const title = asked.querySelector("h1");
    dialog.querySelector(".dialog__title").textContent = title.textContent;
    title.remove();
    // One is on the page to which it would lead back.
    for (const back of asked.querySelectorAll("a[data-back]")) {
      back.addEventListener("click", (click) => { click.preventDefault(); dialog.close(); });
    }
    dialog.querySelector("[data-asked]").replaceChildren(asked);
    dialog.addEventListener("close", () => link.focus(), { once: true });
    dialog.showModal();
    dialog.querySelector("a[data-back]")?.focus();
  }

  /* A select or a slider that sends its form at once. */
  function sending() {
    for (const field of document.querySelectorAll("[data-submit]")) {
      field.addEventListener("change", () => field.form.requestSubmit());
    }
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("click", confirming);
  document.addEventListener("DOMContentLoaded", () => { forms(); switches(); scripted(); sending(); follow(); });
})();
