// The explorer: signs calls in the browser, sends them, and shows what was signed, sent
// and answered.
//
// The secret becomes keys of WebCrypto that no script can read out, in the memory of this
// page and nowhere else. To keep them from one operation to the next, links between pages
// of the explorer exchange the content of the page (visit) instead of loading another.
"use strict";
(() => {
  const acs3 = "ACS3-HMAC-SHA256";
  const formType = "application/x-www-form-urlencoded";

  // ---- Signing: no page is needed for it, the tests call it by window.explorer.

  const bytes = (text) => new TextEncoder().encode(text);
  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
  const sha256 = async (text) => hex(await crypto.subtle.digest("SHA-256", bytes(text)));

  // Both schemes leave A-Z a-z 0-9 - _ . ~ as they are.
  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
  const join = (parameters) => Object.keys(parameters).sort().map((name) => encode(name) + "=" + encode(parameters[name])).join("&");

  // keyOf makes what signs: the secret itself is not kept.
  const keyOf = async (id, secret, token) => {
    const hmac = (text, hash) => crypto.subtle.importKey("raw", bytes(text), { name: "HMAC", hash }, false, ["sign"]);
    return { id, token, v3: await hmac(secret, "SHA-256"), v1: await hmac(secret + "&", "SHA-1") };
  };

  // signV1 signs {method, action, version, parameters}; the answer's parameters are all to send.
  const signV1 = async (call, key, at, nonce) => {
    const parameters = {
      ...call.parameters, Action: call.action, Version: call.version, Format: "JSON", AccessKeyId: key.id,
      SignatureMethod: "HMAC-SHA1", SignatureVersion: "1.0", SignatureNonce: nonce, Timestamp: at,
    };
    if (key.token) parameters.SecurityToken = key.token;
    const text = call.method + "&%2F&" + encode(join(parameters));
    const signature = base64(await crypto.subtle.sign("HMAC", key.v1, bytes(text)));
    return { text, canonical: "", signature, parameters: { ...parameters, Signature: signature } };
  };

  // signV3 signs {method, host, action, version, query, body, type}: query is an object,
  // body the text that is sent, type what it is.
  const signV3 = async (call, key, at, nonce) => {
    const hash = await sha256(call.body);
    const headers = {
      host: call.host, "x-acs-action": call.action, "x-acs-version": call.version, "x-acs-date": at,
      "x-acs-signature-nonce": nonce, "x-acs-content-sha256": hash,
    };
    if (call.type) headers["content-type"] = call.type;
    if (key.token) Object.assign(headers, { "x-acs-accesskey-id": key.id, "x-acs-security-token": key.token });
    const names = Object.keys(headers).sort();
    const canonical = [call.method, "/", join(call.query), ...names.map((name) => name + ":" + headers[name]), "", names.join(";"), hash].join("\n");
    const text = acs3 + "\n" + await sha256(canonical);
    const signature = hex(await crypto.subtle.sign("HMAC", key.v3, bytes(text)));
    headers.authorization = acs3 + " Credential=" + key.id + ",SignedHeaders=" + names.join(";") + ",Signature=" + signature;
    return { text, canonical, signature, headers };
  };

  window.explorer = { keyOf, signV1, signV3 };

  // ---- The page.

  let key = null; // of keyOf; gone when this page is
  const part = (id) => document.getElementById(id);
  const say = (name) => part("signed").dataset[name];

  const parametersOf = (form) => {
    const parameters = {};
    form.querySelectorAll("[data-parameter]").forEach((field) => { if (field.value !== "") parameters[field.name] = field.value; });
    return parameters;
  };
  const secretsOf = (form) => [...form.querySelectorAll("[data-secret]")].map((field) => field.value).filter(Boolean);

  // prepare signs the call of the form and says how it is sent. Parameters of V3 go into
  // the query, as official clients send them; those of a call that has a private key go
  // into the body, which proxies do not log.
  const prepare = async (form, scheme) => {
    const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const nonce = crypto.randomUUID();
    const parameters = parametersOf(form);
    const call = { method: "POST", host: location.host, action: form.dataset.operation, version: form.dataset.version };
    if (scheme === "V1") {
      const signed = await signV1({ ...call, parameters }, key, at, nonce);
      return { ...signed, path: "/", headers: { host: call.host, "content-type": formType }, body: join(signed.parameters) };
    }
    const inBody = Boolean(form.dataset.body) && Object.keys(parameters).length > 0;
    const query = inBody ? {} : parameters;
    const body = inBody ? join(parameters) : "";
    const signed = await signV3({ ...call, query, body, type: inBody ? formType : "" }, key, at, nonce);
    return { ...signed, path: join(query) ? "/?" + join(query) : "/", body };
  };

  const send = async (request) => {
    const headers = { ...request.headers };
    delete headers.host; // the browser's own, which is the same
    const began = performance.now();
    const response = await fetch(request.path, {
      method: "POST", headers, body: request.body || undefined, credentials: "omit", cache: "no-store", redirect: "error",
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, millis: Math.round(performance.now() - began) };
  };

  // ---- Showing, always as text.

  // hide gives text as nodes in which secrets wait behind a click.
  const hide = (text, secrets) => {
    const ways = secrets.flatMap((s) => [encode(encode(s)), encode(s), JSON.stringify(s).slice(1, -1), s]);
    let pieces = [text];
    for (const way of new Set(ways)) {
      pieces = pieces.flatMap((piece) => typeof piece !== "string" ? [piece] : piece.split(way).flatMap((rest, i) => i ? [{ way }, rest] : [rest]));
    }
    return pieces.map((piece) => {
      if (typeof piece === "string") return document.createTextNode(piece);
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet masked";
      button.textContent = say("show");
      button.onclick = () => button.replaceWith(piece.way);
      return button;
    });
  };
  const show = (id, text, secrets) => {
    const box = part(id);
    box.replaceChildren(...hide(text, secrets));
    const title = box.closest("details");
    if (title) title.hidden = text === "";
  };

  // secretsIn finds what an answer holds that nobody should see over a shoulder.
  const secretNames = /^(PrivateKey|SignPrivateKey|EncryptPrivateKey|AccessKeySecret|SecurityToken)$/;
  const secretsIn = (value, name = "") => {
    if (typeof value === "string") return value && (secretNames.test(name) || value.includes("PRIVATE KEY-----")) ? [value] : [];
    return value && typeof value === "object" ? Object.entries(value).flatMap(([inner, v]) => secretsIn(v, inner)) : [];
  };
  const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };

  const shell = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  const asCurl = (request) => [
    "curl -sS -X POST " + shell(location.origin + request.path),
    ...Object.entries(request.headers).filter(([name]) => name !== "host").map(([name, value]) => "-H " + shell(name + ": " + value)),
    ...(request.body ? ["--data-raw " + shell(request.body)] : []),
  ].join(" \\\n  ");

  const showRequest = (request, secrets) => {
    const head = Object.entries(request.headers).map(([name, value]) => name + ": " + value).join("\n");
    show("canonical", request.canonical, secrets);
    show("to-sign", request.text, secrets);
    show("raw-request", "POST " + request.path + " HTTP/1.1\n" + head + (request.body ? "\n\n" + request.body : ""), secrets);
    show("as-curl", asCurl(request), secrets);
    show("raw-answer", "", []);
    part("outcome").replaceChildren();
    part("mismatch").hidden = true;
    part("signed").hidden = false;
  };

  const worthShowing = ["content-type", "x-acs-request-id", "x-acs-trace-id", "x-acs-retry-after", "retry-after", "x-ratelimit-user-api"];

  const showAnswer = (answer, request) => {
    const body = parsed(answer.text);
    const head = worthShowing.filter((name) => answer.headers.get(name)).map((name) => name + ": " + answer.headers.get(name)).join("\n");
    const text = body ? JSON.stringify(body, null, 2) : answer.text;
    show("raw-answer", "HTTP " + answer.status + "\n" + head + "\n\n" + text, secretsIn(body));
    const line = document.createElement("p");
    const code = body && typeof body.Code === "string" ? body.Code : "";
    line.className = "notice " + (answer.status === 200 ? "good" : "bad");
    line.append("HTTP " + answer.status + " · " + say("millis").replace("{0}", answer.millis) + " · RequestId " + (answer.headers.get("x-acs-request-id") || "–"));
    if (code) {
      const link = document.createElement("a");
      link.href = "/console/errors#" + encodeURIComponent(code);
      link.textContent = code;
      line.append(document.createElement("br"), link);
    }
    part("outcome").replaceChildren(line);
    if (code === "SignatureDoesNotMatch") showMismatch(request, String(body.Message));
  };

  // showMismatch puts what was signed here beside what the service says it should be.
  const showMismatch = (request, message) => {
    const [, theirs] = message.split("server string to sign is:");
    if (theirs === undefined) return;
    const ours = request.text + (request.canonical ? "\ncanonical request:\n" + request.canonical : "");
    const lines = (text, other) => {
      const others = other.split("\n");
      return text.split("\n").map((line, i) => {
        const shown = document.createElement(line === others[i] ? "span" : "mark");
        shown.append(...hide(line + "\n", secretsOf(part("call"))));
        return shown;
      });
    };
    part("ours").replaceChildren(...lines(ours, theirs));
    part("theirs").replaceChildren(...lines(theirs, ours));
    part("verdict").textContent = say(ours === theirs ? "same" : "different");
    part("mismatch").hidden = false;
  };

  // ---- What is clicked and typed.

  const showKey = () => {
    part("kept").hidden = !key;
    part("key-fields").hidden = Boolean(key);
    part("kept-id").textContent = key ? key.id : "";
  };

  const takeKey = async () => {
    const [id, secret, token] = ["key-id", "key-secret", "key-token"].map((field) => part(field).value.trim());
    if (!key && id && secret) {
      key = await keyOf(id, secret, token);
      for (const field of ["key-id", "key-secret", "key-token"]) part(field).value = "";
      showKey();
    }
    return key;
  };

  const trouble = (text) => {
    part("key-trouble").textContent = text;
    part("key-trouble").hidden = !text;
  };

  const act = async (form, sending) => {
    trouble("");
    if (!await takeKey()) return trouble(say("noKey"));
    const request = await prepare(form, part("scheme").value);
    const secrets = [...secretsOf(form), ...(key.token ? [key.token] : [])];
    showRequest(request, secrets);
    if (!sending) return undefined;
    try {
      showAnswer(await send(request), request);
    } catch {
      trouble(say("unreachable"));
    }
    part("signed").scrollIntoView({ block: "nearest" });
    return undefined;
  };

  // addEntry gives a list one entry more.
  const addEntry = (button) => {
    const last = [...button.parentElement.querySelectorAll(".entry")].pop();
    const next = last.cloneNode(true);
    const number = (text) => text.replace(/\.(\d+)(\.|$)/, (_, n, after) => "." + (Number(n) + 1) + after);
    next.querySelectorAll("label").forEach((label) => {
      label.htmlFor = number(label.htmlFor);
      label.querySelector("code").textContent = number(label.querySelector("code").textContent);
    });
    next.querySelectorAll("[data-parameter]").forEach((field) => {
      field.id = number(field.id);
      field.name = number(field.name);
      field.value = "";
    });
    last.after(next);
    next.querySelector("[data-parameter]").focus();
  };

  // showCode has the service write the call of the form as code; private keys stay here.
  let latest = 0;
  const showCode = async (form) => {
    const mine = ++latest;
    const fields = new URLSearchParams(parametersOf(form));
    form.querySelectorAll("[data-secret]").forEach((field) => { if (field.value) fields.set(field.name, "-"); });
    fields.set("csrf", form.elements.csrf.value);
    fields.set("do", "code");
    const response = await fetch(form.action.split("#")[0] + "?part=code", { method: "POST", headers: { "HX-Request": "true" }, body: fields });
    const text = await response.text();
    if (!response.ok || mine !== latest || !form.isConnected) return;
    const open = document.querySelector("#code details[open] .raw");
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("code");
    if (open) fresh.querySelectorAll("details").forEach((d) => { d.open = d.querySelector(".raw").dataset.file === open.dataset.file; });
    part("code").replaceWith(fresh);
  };

  const linkHere = (form) => {
    const query = new URLSearchParams();
    form.querySelectorAll("[data-parameter]:not([data-secret])").forEach((field) => { if (field.value) query.set(field.name, field.value); });
    part("link").href = location.pathname + (String(query) ? "?" + query : "");
  };

  let waiting;
  const changed = (form) => {
    linkHere(form);
    clearTimeout(waiting);
    waiting = setTimeout(() => showCode(form).catch(() => {}), 400);
  };

  const filter = (box) => {
    const wanted = box.value.trim().toLowerCase();
    document.querySelectorAll(box.dataset.filter).forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
    box.closest("main").querySelectorAll("details:has(" + box.dataset.filter + ")").forEach((d) => { d.open = Boolean(wanted) && Boolean(d.querySelector(box.dataset.filter + ":not([hidden])")); });
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const form = button.closest("#call");
    if (button.id === "send" || button.id === "sign") act(form, button.id === "send");
    if (button.id === "forget") { key = null; showKey(); part("key-id").focus(); }
    if (button.hasAttribute("data-add")) addEntry(button);
  });
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches("[data-filter]")) filter(field);
    if (field.matches("[data-parameter]")) changed(field.form);
  });
  // Enter in a field of the key signs.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("#key-id, #key-secret, #key-token")) return;
    event.preventDefault();
    part("send").click();
  });

  // ---- Going from page to page without losing the key.

  const inExplorer = /^\/console\/(explorer(\/[^/]*)?|errors)$/;

  const visit = async (url, push) => {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (response.redirected || !page.getElementById("main")) return location.assign(url);
    if (push) history.pushState(null, "", url);
    document.title = page.title;
    document.getElementById("main").replaceChildren(...page.getElementById("main").children);
    for (const back of document.querySelectorAll("input[name=back]")) back.value = location.pathname + location.search;
    begin();
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.scrollIntoView(); else scrollTo(0, 0);
    document.getElementById("main").focus({ preventScroll: true });
    return undefined;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href);
    if (!key || link.id === "link" || url.origin !== location.origin || !inExplorer.test(url.pathname)) return;
    if (url.pathname === location.pathname && url.hash) return;
    event.preventDefault();
    visit(link.href, true).catch(() => location.assign(link.href));
  });
  let shown = location.pathname + location.search;
  addEventListener("popstate", () => {
    if (location.pathname + location.search === shown) return;
    visit(location.href, false).catch(() => location.reload());
  });

  // fromFragment fills in what a link holds behind #, which no server and no log sees.
  const fromFragment = (form) => {
    if (!location.hash.includes("=")) return;
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const field = [...form.querySelectorAll("[data-parameter]:not([data-secret])")].find((f) => f.name === name);
      if (field) field.value = value;
    }
    changed(form);
  };

  const begin = () => {
    shown = location.pathname + location.search;
    document.querySelectorAll("[data-filter-box]").forEach((box) => { box.hidden = false; });
    const form = part("call");
    if (!form) return;
    form.querySelectorAll("[data-add]").forEach((button) => { button.hidden = false; });
    form.querySelectorAll("[data-live]").forEach((button) => { button.hidden = true; });
    part(window.crypto && crypto.subtle ? "signer" : "insecure").hidden = false;
    showKey();
    fromFragment(form);
  };
  begin();
})();
