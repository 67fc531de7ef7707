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
  // How far everything was before the page was made: what happened while it was on its way is heard of too.
  let tag = `"${document.body.dataset.seen || ""}"`;

  /* Is there something newer than the page shows? In which regions could it not be put in place? */
  let owed = false;
  let waiting = [];
  let renewing = false;
  let again = false;
  let stranger = false;

  async function look() {
    const regions = document.querySelectorAll("[data-live]");
    const inbox = document.querySelector("[data-inbox]");
    if ((regions.length === 0 && !inbox) || document.hidden || stranger) return;
    const about = new URLSearchParams();
    const main = document.querySelector("[data-case]");
    if (main) {
      about.set("case", main.dataset.case);
      about.set("version", main.dataset.version);
    }
    if (inbox) about.set("inbox", inbox.dataset.inbox);
    const headers = { "If-None-Match": tag };
    const answer = await fetch(`/live?${about}`, { headers, redirect: "manual", cache: "no-store" });
    // Sent on to the sign-in page: the session is over.
    show("signed-out", answer.type === "opaqueredirect");
    tag = answer.headers.get("ETag") || tag;
    if (inbox) unread(inbox, answer.headers.get("Inbox"));
    if (regions.length > 0 && answer.status === 204) {
      owed = true;
      await renew();
    } else await catchUp();
  }

  /* Is one's inbox another than the page shows? Its count stands in the header of every page. */
  function unread(inbox, now) {
    if (!now || now === inbox.dataset.inbox) return;
    inbox.dataset.inbox = now;
    const count = parseInt(now, 10);
    for (const place of document.querySelectorAll("[data-unread]")) {
      place.hidden = count === 0;
      place.querySelector("[data-unread-count]").textContent = count >= 100 ? "99+" : count;
    }
  }

  async function renew() {
    again = true;
    if (renewing) return;
    renewing = true;
    try {
      while (again) {
        again = false;
        const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, redirect: "manual", cache: "no-store" });
        if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
        // What this reader may not see any more is not asked for over and over.
        else owed = answer.status >= 500;
      }
    } finally {
      renewing = false;
    }
  }

  /* What could not be put in place yet is, as soon as nobody is busy there. */
  async function catchUp() {
    if (owed && !stranger && !waiting.some((id) => busy(document.getElementById(id)))) await renew();
  }

  function put(page) {
    // In another tab somebody else signed in: what they may see is not shown on this page.
    stranger = page.body.dataset.reader !== document.body.dataset.reader;
    show("signed-out", stranger);
    if (stranger) return;
    let changed = false;
    waiting = [];
    for (const region of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(region.id);
      if (!fresh || plain(fresh) === plain(region)) continue;
      if (busy(region)) {
        waiting.push(region.id);
        continue;
      }
      replace(region, document.importNode(fresh, true));
      changed = true;
    }
    owed = waiting.length > 0;
    const about = page.querySelector("[data-case]");
    const here = document.querySelector("[data-case]");
    // While a part of the page is older, it is of the older version, and asks on.
    if (about && here && !owed) here.dataset.version = about.dataset.version;
    if (changed) announce();
  }

  /* Is somebody typing there, or did they and not send it yet? Is a dialog open? That is not taken away. */
  const FIELDS = "input:not([type=hidden], [type=submit], [type=button], [type=reset], [type=image]), textarea, select";

  function busy(region) {
    if (!region) return false;
    const fields = [...region.querySelectorAll(FIELDS)];
    return fields.includes(document.activeElement) || fields.some(dirty) || region.querySelector("dialog[open]") !== null;
  }

  function dirty(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
    const options = [...field.options];
    const before = options.filter((option) => option.defaultSelected);
    // A list of which nothing is chosen beforehand shows its first option.
    const shown = before.length || field.multiple ? before : options.slice(0, 1);
    return options.some((option) => option.selected !== shown.includes(option));
  }

  /* What a region says: not what is open in it, and not what differs each time a page is made. */
  function plain(region) {
    const copy = region.cloneNode(true);
    for (const each of copy.querySelectorAll("details")) each.removeAttribute("open");
    for (const each of copy.querySelectorAll("input[name=csrf], input[name=once]")) each.removeAttribute("value");
    return copy.innerHTML;
  }

  /* The focus stays where it was, and what was open stays open. */
  function replace(region, fresh) {
    const focused = region.contains(document.activeElement) ? document.activeElement : null;
    const same = focused && twin(focused, region, fresh);
    const opened = [...region.querySelectorAll("details[open] > summary")].map((summary) => twin(summary, region, fresh));
    region.replaceWith(fresh);
    for (const summary of opened) if (summary) summary.parentElement.open = true;
    if (window.htmx) window.htmx.process(fresh);
    scripted(fresh);
    if (!focused) return;
    // What is gone cannot have the focus: where it was does, so that Tab goes on from there.
    if (!same) fresh.tabIndex = -1;
    (same || fresh).focus({ preventScroll: true });
  }

  /* The same element in a region that was made anew: by its id, its address, its name; among equals the one in its place. */
  function twin(element, region, fresh) {
    const alike = (other) =>
      ["id", "href", "name", "value"].every((name) => other.getAttribute(name) === element.getAttribute(name)) &&
      (other.tagName !== "SUMMARY" || other.textContent.trim() === element.textContent.trim()) &&
      within(other) === within(element);
    const among = (place) => [...place.querySelectorAll(element.tagName)].filter(alike);
    return among(fresh)[among(region).indexOf(element)] || null;
  }

  const within = (element) => (element.parentElement.closest("[id]") || {}).id;

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

  /* What somebody types is kept in this tab until it has been sent and recorded: for who typed it, and nobody else. */
  const STORE = "besluitspoor:";
  const mine = () => `${STORE}${document.body.dataset.reader}:`;
  const place = (form) => `${mine()}${location.pathname}#${form.id}`;
  const sent = () => `${mine()}sent`;
  const KEEP_NOT = new Set(["csrf", "once", "version"]);

  /* Takes away what is kept here, but for what is kept under `but`. */
  function forget(but) {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(STORE) && !(but && key.startsWith(but))) sessionStorage.removeItem(key);
    }
  }

  /* Who signs out leaves nothing behind, in other tabs neither; who signs in finds nothing of somebody else. */
  function tidy() {
    if (document.body.dataset.reader) forget(mine());
    const said = new BroadcastChannel(`${STORE}signed-out`);
    said.addEventListener("message", () => forget());
    for (const form of document.querySelectorAll("form[data-sign-out]")) {
      form.addEventListener("submit", () => { forget(); said.postMessage(""); });
    }
  }

  function keep(form) {
    if (!document.body.dataset.reader) return;
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
      const recorded = sessionStorage.getItem(sent());
      if (recorded) sessionStorage.removeItem(recorded);
    }
    // What is to be sent once more, after signing in again, is still under way.
    if (!document.querySelector("[data-again]")) sessionStorage.removeItem(sent());
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
        sessionStorage.setItem(sent(), place(form));
        form.dataset.checked = "yes";
        form.requestSubmit(button);
        setTimeout(() => { form.dataset.checked = ""; }, 2000);
      });
    }
  }

  /* Keyboard shortcuts: g and then a letter goes to a page, / searches. They can be turned off. */
  let before = "";
  const wanted = () => document.body.dataset.shortcuts !== "off";

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
    box.addEventListener("change", () => location.assign(box.dataset.leads));
  }

  /* Buttons that only make sense with a script. */
  function scripted(place) {
    for (const button of place.querySelectorAll("[data-print]")) {
      button.addEventListener("click", () => window.print());
    }
    for (const opener of place.querySelectorAll("[data-dialog]")) {
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

  // Said of the page, not of each of them: what is put in place later shows what needs a script too.
  document.documentElement.classList.add("scripted");
  document.addEventListener("keydown", pressed);
  // The focus is on its way to the next field, which may be in the same region.
  document.addEventListener("focusout", () => setTimeout(() => catchUp().catch(lost)));
  document.addEventListener("click", confirming);
  document.addEventListener("DOMContentLoaded", () => { tidy(); forms(); switches(); scripted(document); sending(); follow(); });
})();
