// Passkeys: a form with data-passkey fetches WebAuthn options, calls the browser, and submits the credential as a
// normal form. With data-autofill the e-mail field offers passkeys too (conditional mediation).
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const encode = (data) => btoa(String.fromCharCode(...new Uint8Array(data)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const ids = (list = []) => list.map((one) => ({ ...one, id: decode(one.id) }));
const REFRESH = 4 * 60 * 1000; // a challenge is valid for five minutes
let waiting;

// Browsers from before 2025 lack parse…FromJSON and toJSON.
function parse(kind, json) {
  const options = { ...json, challenge: decode(json.challenge) };
  if (kind === "get") return { ...options, allowCredentials: ids(json.allowCredentials) };
  return { ...options, user: { ...json.user, id: decode(json.user.id) },
    excludeCredentials: ids(json.excludeCredentials) };
}

function written(credential) {
  const response = { clientDataJSON: encode(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: encode(credential.rawId), type: credential.type, response });
}

// Returns null if the server requires another step first: the form is then submitted as is, and the server responds.
async function asked(form) {
  const answer = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
  const json = answer.ok && (answer.headers.get("Content-Type") ?? "").includes("json");
  return json ? parse(form.dataset.passkey, await answer.json()) : null;
}

function send(form, credential) {
  form.elements.answer.value = credential ? written(credential) : "";
  form.submit();
}

async function run(form) {
  waiting?.abort();
  const button = form.querySelector("button[type=submit]");
  button.setAttribute("aria-busy", "true");
  try {
    const publicKey = await asked(form);
    send(form, publicKey && await navigator.credentials[form.dataset.passkey]({ publicKey }));
  } catch (reason) {
    button.removeAttribute("aria-busy");
    form.querySelector("[data-stopped]").hidden = false;
    document.dispatchEvent(new CustomEvent("bizcuit:say", {
      detail: form.querySelector("[data-stopped]").textContent,
    }));
    console.info("no passkey:", reason.name);
    autofill(form);
  }
}

async function autofill(form) {
  if (!form.hasAttribute("data-autofill")) return;
  if (!await PublicKeyCredential.isConditionalMediationAvailable?.()) return;
  const mine = waiting = new AbortController();
  const again = setTimeout(() => { mine.abort(); autofill(form); }, REFRESH);
  try {
    const publicKey = await asked(form);
    if (!publicKey || mine.signal.aborted) return;
    send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal: mine.signal }));
  } catch (reason) {
    if (!mine.signal.aborted) clearTimeout(again);
    console.info("no passkey was chosen:", reason.name);
  }
}

document.querySelectorAll("form[data-passkey]").forEach((form) => {
  form.hidden = !window.PublicKeyCredential;
  if (form.hidden) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(form);
  });
  autofill(form);
});
