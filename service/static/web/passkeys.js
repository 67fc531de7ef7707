/* How does a page ask the browser for a passkey? A form marked data-passkey: what the browser answers goes along in it. */
(() => {
  "use strict";
  if (!window.PublicKeyCredential) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const asked = {
    add: (options) => navigator.credentials.create({ publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: (options.excludeCredentials || []).map((each) => ({ ...each, id: bytes(each.id) })),
    } }),
    "sign-in": (options) => navigator.credentials.get({ publicKey: {
      ...options, challenge: bytes(options.challenge), allowCredentials: [],
    } }),
  };
  const told = (credential) => {
    const said = credential.response;
    const response = { clientDataJSON: text(said.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (said[name]) response[name] = text(said[name]);
    }
    if (said.getTransports) response.transports = said.getTransports();
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      clientExtensionResults: {} };
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const wrong = form.querySelector("[data-wrong]");
    const say = (words) => { wrong.textContent = words; wrong.hidden = false; };
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      try {
        const answer = await fetch(form.dataset.options, {
          method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" },
        });
        if (!answer.ok) {
          const problem = await answer.json().catch(() => ({}));
          if (problem.anew) {
            // First they show who they are; what was filled in is there when they come back.
            const back = new URL(location.href);
            back.searchParams.set("name", form.elements.namedItem("name").value);
            location.assign(`${form.dataset.anew}?next=${encodeURIComponent(back.pathname + back.search)}`);
            return;
          }
          say(problem.detail || form.dataset.failed);
          return;
        }
        const credential = await asked[form.dataset.passkey](await answer.json());
        form.elements.namedItem("credential").value = JSON.stringify(told(credential));
        form.submit();
      } catch (error) {
        say(form.dataset.failed);
      }
    });
  }
})();
