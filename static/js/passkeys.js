// Forms with data-passkey: ask the server for a number, the browser for a passkey, then send the form with its answer.

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function toText(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function listed(credentials) {
  return credentials?.map((one) => ({ ...one, id: toBytes(one.id) }));
}

async function made(options) {
  const key = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: listed(options.excludeCredentials),
    },
  });
  return answer(key, {
    clientDataJSON: toText(key.response.clientDataJSON),
    attestationObject: toText(key.response.attestationObject),
  });
}

async function shown(options) {
  const key = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: listed(options.allowCredentials),
    },
  });
  const owner = key.response.userHandle;
  return answer(key, {
    clientDataJSON: toText(key.response.clientDataJSON),
    authenticatorData: toText(key.response.authenticatorData),
    signature: toText(key.response.signature),
    ...(owner?.byteLength ? { userHandle: toText(owner) } : {}),
  });
}

function answer(key, response) {
  const id = toText(key.rawId);
  return { id, rawId: id, type: key.type, response, clientExtensionResults: {} };
}

async function ask(form) {
  const purpose = form.dataset.passkey;
  const sent = new URLSearchParams({
    purpose,
    csrfmiddlewaretoken: form.elements.namedItem("csrfmiddlewaretoken").value,
  });
  const reply = await fetch(form.dataset.begin, { method: "POST", body: sent });
  if (!reply.ok) throw new Error(reply.status === 429 ? "wait" : "failed");
  const { publicKey } = await reply.json();
  return purpose === "enrol" ? made(publicKey) : shown(publicKey);
}

function fail(form, reason) {
  const place = form.querySelector("[data-passkey-failure]");
  place.textContent = form.dataset[reason] ?? form.dataset.failed;
  place.hidden = false;
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  const usable = "PublicKeyCredential" in window && "credentials" in navigator;
  form.hidden = !usable;
  const missing = form.parentElement.querySelector("[data-passkey-missing]");
  if (missing) missing.hidden = usable;
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    form.querySelector("[data-passkey-failure]").hidden = true;
    button.disabled = true;
    try {
      form.querySelector("[data-passkey-answer]").value = JSON.stringify(await ask(form));
      form.submit();
    } catch (error) {
      fail(form, error.message);
    }
    button.disabled = false;
  });
}
