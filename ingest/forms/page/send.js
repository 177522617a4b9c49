"use strict";
// Sends a form in the background: once, whatever is clicked, reloaded or cut off meanwhile. Without it the browser
// sends the form itself, and the server answers with pages.
const deskstreamSending = (form, { url, identity, done }) => {
  const words = JSON.parse(form.dataset.words);
  const limits = { files: +form.dataset.files, each: +form.dataset.each, all: +form.dataset.all };
  const minimum = +form.dataset.minimum * 1000;
  const kept = `deskstream:${form.dataset.name}`;
  const find = (selector) => form.querySelector(selector);
  const button = find("button[type=submit]");
  const status = find("[data-status]");
  const progress = find("[data-progress]");
  const summary = find("[data-summary]");
  let since = Date.now();
  let sending = false;
  let tries = 0;
  let timer = 0;

  const fields = () => Array.from(form.elements).filter((e) => e.name && e.type !== "file" && !e.name.startsWith("_"));
  const store = (work) => { try { return work(sessionStorage); } catch { return null; } }; // it may be forbidden
  const keep = () => store((s) => s.setItem(kept, JSON.stringify(
    Object.fromEntries(fields().map((e) => [e.name, e.type === "checkbox" ? e.checked : e.value])))));
  const restore = () => {
    const found = store((s) => JSON.parse(s.getItem(kept) || "null"));
    for (const e of found ? fields() : []) {
      if (!(e.name in found) || e.name === "language" || e.name === "feedback" && e.type === "hidden") continue;
      if (e.type === "checkbox") e.checked = found[e.name] === true;
      else if (!e.value || e.name === "id") e.value = found[e.name];
    }
  };
  const say = (text, share) => {
    status.textContent = text;
    progress.hidden = share === undefined;
    if (share !== undefined) progress.value = share;
  };
  const show = (problems) => {
    let first = null;
    for (const line of form.querySelectorAll("[data-error]")) {
      const name = line.dataset.error;
      const text = problems[name] || "";
      line.textContent = text;
      line.hidden = !text;
      const input = form.elements.namedItem(name);
      if (!input) continue;
      if (text) { input.setAttribute("aria-invalid", "true"); first = first || input; }
      else input.removeAttribute("aria-invalid");
      if (name === "_website" && text) find("[data-trap]").className = "field";
    }
    const others = Object.entries(problems).filter(([name]) => !form.elements.namedItem(name) || name === "_stamp");
    const any = Object.keys(problems).length > 0;
    summary.textContent = any ? [words.summary, ...others.map(([, text]) => text)].join(" ") : "";
    summary.hidden = !any;
    if (any) (first || summary).focus();
  };
  const tooLarge = () => {
    const input = find("input[type=file]");
    const chosen = input ? Array.from(input.files) : [];
    const all = chosen.reduce((sum, file) => sum + file.size, 0);
    const problem = chosen.length > limits.files ? words.too_many_files
      : chosen.some((file) => file.size > limits.each) ? words.file_too_large
        : all > limits.all ? words.files_too_large : "";
    return problem ? { [input.name]: problem } : null;
  };
  const ready = () => {
    sending = false;
    button.removeAttribute("aria-disabled");
  };
  const later = (text, seconds) => {
    say(text);
    const again = () => { clearTimeout(timer); removeEventListener("online", again); send(); };
    addEventListener("online", again);
    timer = setTimeout(again, seconds * 1000);
  };
  const answered = (request) => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* a proxy's page */ }
    const wait = +request.getResponseHeader("Retry-After") || Math.min(60, 2 ** tries);
    if (request.status === 201) {
      ready();
      store((s) => s.removeItem(kept));
      say("");
      done(answer);
    } else if (request.status === 422 && answer.errors) {
      if (answer.stamp) { form.elements._stamp.value = answer.stamp; since = Date.now(); }
      if (answer.stamp && Object.keys(answer.errors).join() === "_stamp" && tries < 3) { tries += 1; send(); return; }
      ready();
      say("");
      show(answer.errors);
    } else if (request.status === 401 && identity) {
      identity = null; // it has run out: what they wrote counts more than who they are
      send();
    } else if ((request.status === 429 || request.status >= 500) && tries < 50) {
      tries += 1;
      later(words.waiting, wait);
    } else {
      ready();
      say(answer.detail ? `${words.failed} ${answer.detail}` : words.failed);
    }
  };
  const send = () => {
    const wait = since + minimum + 50 - Date.now();
    say(words.sending, 0);
    if (wait > 0) { setTimeout(send, wait); return; }
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    if (identity) request.setRequestHeader("X-Deskstream-Identity", identity);
    request.upload.onprogress = (event) => {
      const percent = event.lengthComputable ? Math.floor(event.loaded / event.total * 100) : 0;
      say(words.sent_percent.replace("{percent}", percent), percent);
    };
    request.timeout = 15 * 60 * 1000;
    request.onload = () => answered(request);
    request.onerror = request.ontimeout = () => {
      tries += 1;
      later(navigator.onLine ? words.waiting : words.offline, Math.min(60, 2 ** tries));
    };
    request.send(new FormData(form));
  };
  restore();
  keep();
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending) return;
    const problems = tooLarge();
    show(problems || {});
    if (problems) return;
    sending = true;
    tries = 0;
    button.setAttribute("aria-disabled", "true");
    keep();
    send();
  });
};
