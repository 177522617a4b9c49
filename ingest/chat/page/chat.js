// <script src="…/in/NAME/chat.js" data-language="fr" data-identity="…" async></script>
(() => {
  "use strict";
  const script = document.currentScript;
  const root = script.src.replace(/\/chat\.js(\?.*)?$/, "");
  const identity = script.dataset.identity || undefined;
  const language = script.dataset.language || document.documentElement.lang || navigator.language;
  const KEPT = 200; // entries of a conversation, and replies that are said to be here
  const LONGEST_FRAME = 16 * 1024;

  // -- what is kept in the page's storage, shared by all tabs of the site; whoever is logged in has his own

  const whose = () => {
    try {
      const part = identity.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      return JSON.parse(decodeURIComponent(escape(atob(part)))).email || "";
    } catch { return ""; }
  };
  const key = `deskstream-chat:${root}:${identity ? whose() : ""}`;
  const blank = () => ({ token: null, name: "", email: "", draft: "", log: [], files: [], ended: false, rated: false, which: 0 });
  let state = blank();
  let stored = true;
  const load = () => {
    if (!stored) return;
    try { state = { ...blank(), ...JSON.parse(localStorage.getItem(key) || "{}") }; } catch { stored = false; } // it may be forbidden
  };
  const update = (change) => {
    load(); // another tab may have written meanwhile
    change(state);
    state.log = state.log.slice(-KEPT);
    try { localStorage.setItem(key, JSON.stringify(state)); } catch { stored = false; } // then it lives as long as this page
    render();
  };
  const entry = (id) => state.log.find((each) => each.id === id);
  const change = (id, values) => update((s) => Object.assign(s.log.find((each) => each.id === id) || {}, values));
  const replies = () => state.log.filter((each) => !each.mine);
  const have = () => replies().map((each) => each.id);
  const waiting = () => state.log.find((each) => each.mine && each.state === "waiting");
  const started = () => state.log.some((each) => each.mine);
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

  // -- the line: a WebSocket, and where none goes through posts and waiting

  let socket = null;
  let posting = false; // no WebSocket goes through
  let ready = false; // welcomed
  let turn = 0;
  let asking = false;
  let unopened = 0;
  let tries = 0;
  let timer = 0;
  let beat = 0;
  let underWay = null;
  let watch = 0;

  const first = () => (state.token ? { type: "resume", token: state.token, have: have(), identity } : { type: "hello", identity });
  const connect = () => {
    clearTimeout(timer);
    if (socket || asking) return;
    if (typeof WebSocket === "undefined") posting = true;
    if (posting) { begin(++turn); return; }
    let welcomed = false;
    const line = socket = new WebSocket(`${root.replace(/^http/, "ws")}/socket`);
    line.onopen = () => line.send(JSON.stringify(first()));
    line.onmessage = (event) => {
      if (line !== socket) return;
      const frame = JSON.parse(event.data);
      if (frame.type === "welcome") { welcomed = true; unopened = 0; }
      if (frame.type === "expired") { update((s) => { s.token = null; }); line.send(JSON.stringify(first())); return; }
      hear(frame);
    };
    line.onclose = () => {
      if (line !== socket) return;
      if (!welcomed) unopened += 1;
      posting = unopened >= 2; // perhaps something on the way does not know WebSockets
      lost(posting ? 0.01 : 0);
    };
    beat = setInterval(() => say({ type: "ping" }), 25000);
  };
  const hangUp = () => {
    const line = socket;
    ready = false;
    asking = false;
    turn += 1;
    socket = null;
    underWay = null;
    clearInterval(beat);
    clearTimeout(watch);
    clearTimeout(timer);
    if (line) line.close();
  };
  const lost = (seconds) => {
    hangUp();
    if (over) return;
    const wait = seconds || Math.min(30, 2 ** tries) * (0.5 + Math.random() / 2);
    tries = Math.min(tries + 1, 6);
    timer = setTimeout(connect, wait * 1000);
    render();
  };
  const post = async (frame) => {
    const mine = turn;
    const headers = { "Content-Type": "application/json" };
    if (state.token && frame.type !== "hello" && frame.type !== "resume") headers.Authorization = `Bearer ${state.token}`;
    const answer = await fetch(`${root}/frames`,
      { method: "POST", headers, body: JSON.stringify(frame), signal: AbortSignal.timeout(45000) });
    const found = await answer.json().catch(() => ({}));
    if (mine !== turn) return;
    if (answer.status === 401) {
      update((s) => { s.token = null; });
      throw Object.assign(new Error(answer.status), { after: 0.1 });
    }
    if (found.frames) found.frames.forEach(hear);
    else if (frame.id && answer.status < 500 && answer.status !== 429) hear({ type: "refused", id: frame.id, reason: "unstorable" });
    else throw Object.assign(new Error(answer.status), { after: +answer.headers.get("Retry-After") || 0 });
  };
  const failed = (mine) => (error) => {
    if (mine !== turn) return;
    if (!error.after) { posting = false; unopened = 0; } // perhaps it is not the WebSocket after all
    lost(error.after);
  };
  const begin = async (mine) => {
    asking = true;
    try {
      await post(first());
      while (mine === turn && !over) await post({ type: "listen", have: have() });
    } catch (error) { failed(mine)(error); }
  };
  const say = (frame) => {
    if (posting) post(frame).catch(failed(turn));
    else if (socket && socket.readyState === 1) socket.send(JSON.stringify(frame));
  };
  addEventListener("online", () => { tries = 0; if (using) connect(); });

  // -- what is said, in order: the next when the one before is acknowledged

  const pump = () => {
    const next = waiting();
    if (!ready || !next || underWay) return;
    underWay = next.id;
    say(next.frame);
    watch = setTimeout(() => { if (socket) lost(); }, 30000); // a post has a time of its own
  };
  const settled = (id) => {
    if (id !== underWay) return;
    clearTimeout(watch);
    underWay = null;
  };
  const heard = {
    welcome: (frame) => {
      ready = true;
      tries = 0;
      online = frame.online;
      identified = frame.identified === true;
      update((s) => { s.token = frame.token; });
      seen();
      pump();
    },
    ack: (frame) => {
      settled(frame.id);
      const what = entry(frame.id);
      if (what && what.state !== "sent") change(frame.id, { state: "sent", frame: { type: what.frame.type } });
      if (state.ended && (state.rated || !told.askRating) && !waiting()) say({ type: "end" });
      pump();
    },
    later: (frame) => {
      settled(frame.id);
      setTimeout(pump, frame.after * 1000);
    },
    refused: (frame) => {
      if (!frame.id) return;
      settled(frame.id);
      change(frame.id, { state: "failed", reason: frame.reason });
      pump();
    },
    reply: (frame) => {
      if (!entry(frame.id)) {
        update((s) => { s.log.push({ id: frame.id, text: frame.text, name: frame.name, at: frame.at, purpose: frame.purpose }); });
      }
      seen();
    },
    ended: () => { using = false; hangUp(); render(); },
    noted: (frame) => update((s) => {
      for (const each of s.log) if (frame.ids.includes(each.id)) each.noted = true;
    }),
  };
  const hear = (frame) => { if (Object.hasOwn(heard, frame.type)) heard[frame.type](frame); };
  const seen = () => { // only what a person can see has arrived
    if (panel.hidden || document.hidden) return;
    const ids = replies().filter((each) => !each.noted).map((each) => each.id);
    if (ids.length && ready) say({ type: "got", ids });
    if (ids.length) update((s) => { for (const each of s.log) each.unread = !each.mine ? false : undefined; });
  };

  // -- the window

  const make = (tag, attributes = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...inside);
    return element;
  };
  const LINK = /https?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]]/g;
  const linked = (text) => {
    const parts = [];
    let at = 0;
    for (const found of text.matchAll(LINK)) {
      parts.push(text.slice(at, found.index), make("a", { href: found[0], target: "_blank", rel: "noopener noreferrer" }, found[0]));
      at = found.index + found[0].length;
    }
    return [...parts, text.slice(at)];
  };

  let told = null; // words and settings
  let words = {};
  let online = true;
  let identified = identity !== undefined;
  let using = false; // a conversation is, or may soon be, under way
  let over = false;
  let quiet = false; // nobody has answered for a while
  const shown = new Map();
  const host = make("div", { "data-deskstream-chat": root });
  const shadow = host.attachShadow({ mode: "open" });
  let launcher, panel = { hidden: true }, list, box, status, chips, form, whoFields, askForm, rating, again, problem, count, notice, news;

  const build = () => {
    const field = (name, type, autocomplete) => make("label", { class: "who" }, words[name],
      make("input", { type, name, autocomplete, maxlength: name === "email" ? 320 : 200, required: told.required.includes(name),
        oninput: (event) => update((s) => { s[name] = event.target.value.trim(); }) }));
    count = make("span", { class: "count", hidden: true });
    launcher = make("button", { type: "button", class: "launcher", "aria-expanded": "false", onclick: () => toggle(panel.hidden) },
      make("span", {}, words.open), count);
    list = make("ol", { role: "log", "aria-live": "polite", "aria-label": words.log, tabindex: "0" });
    notice = make("p", { class: "notice" });
    status = make("p", { class: "status", role: "status" });
    problem = make("p", { class: "problem", role: "alert" });
    chips = make("ul", { class: "chips", "aria-label": words.attached });
    box = make("textarea", { id: "text", rows: 2, maxlength: told.maxText, placeholder: words.placeholder,
      onkeydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
        event.preventDefault();
        form.requestSubmit();
      },
      oninput: () => { problem.textContent = ""; update((s) => { s.draft = box.value; }); } });
    whoFields = make("div", { class: "fields" }, ...told.ask.map((name) => name === "email"
      ? field("email", "email", "email") : field("name", "text", "name")));
    const file = make("input", { type: "file", multiple: true, id: "file", class: "hide",
      onchange: () => { upload(Array.from(file.files)); file.value = ""; } });
    form = make("form", { class: "composer", novalidate: true, onsubmit: (event) => { event.preventDefault(); write(); } },
      whoFields, make("label", { for: "text", class: "hide" }, words.message), chips, box,
      make("div", { class: "row" }, ...(told.maxFiles ? [file, make("label", { for: "file", class: "attach" }, words.attach)] : []),
        make("button", { type: "submit" }, words.send)));
    const address = make("input", { type: "email", name: "address", autocomplete: "email", required: true, maxlength: 320 });
    askForm = make("form", { class: "ask", hidden: true, novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        if (!address.checkValidity()) { problem.textContent = words.email_wrong; address.focus(); return; }
        update((s) => { s.email = address.value.trim(); });
        enqueue(state.email);
        status.textContent = words.email_saved;
        box.focus();
      } }, make("label", {}, words.email_why, address), make("button", { type: "submit" }, words.email_save));
    const opinion = make("textarea", { name: "words", rows: 2, maxlength: 2000, "aria-label": words.rate_words, placeholder: words.rate_words });
    rating = make("form", { class: "rating", hidden: true,
      onsubmit: (event) => { event.preventDefault(); rate(new FormData(rating).get("rating"), opinion.value.trim()); } },
      make("fieldset", {}, make("legend", {}, words.rate), ...["good", "ok", "bad"].map((value) =>
        make("label", {}, make("input", { type: "radio", name: "rating", value, required: true }), words[value]))),
      opinion, make("button", { type: "submit" }, words.rate_send));
    again = make("button", { type: "button", class: "again", hidden: true, onclick: anew }, words.again);
    panel = make("section", { role: "dialog", "aria-label": words.title, class: "panel", hidden: true,
      onkeydown: (event) => { if (event.key === "Escape" && !event.isComposing) toggle(false); } },
      make("header", {}, make("h2", {}, words.title),
        make("button", { type: "button", class: "end", onclick: end }, words.end),
        make("button", { type: "button", class: "close", "aria-label": words.close, onclick: () => toggle(false) }, "×")),
      make("p", { class: "greeting" }, words.greeting), list, notice, askForm, rating, again, problem, status, form);
    news = make("p", { class: "hide", role: "status" });
    shadow.append(make("div", { class: "base" }, panel, launcher, news));
  };

  const toggle = (open) => {
    panel.hidden = !open;
    launcher.setAttribute("aria-expanded", String(open));
    if (!open) { launcher.focus(); return; }
    if (!using && !state.ended) { using = true; connect(); }
    render();
    seen();
    const empty = form.hidden ? null : Array.from(whoFields.hidden ? [] : whoFields.querySelectorAll("input")).find((e) => !e.value);
    (empty || (form.hidden ? panel.querySelector("input, button") : box)).focus();
    list.scrollTop = list.scrollHeight;
  };
  const time = (at) => {
    try { return new Date(at).toLocaleTimeString(told.language, { hour: "2-digit", minute: "2-digit" }); } catch { return ""; }
  };
  const line = (each) => {
    const item = make("li", { class: each.mine ? "mine" : "theirs", "data-id": each.id },
      make("span", { class: "from" }, each.mine ? words.you : each.name || words.support, " ", make("time", { datetime: each.at }, time(each.at))),
      make("p", { class: "text" }, ...linked(each.text)),
      ...(each.files || []).map((file) => make("span", { class: "file" }, file.name)),
      make("span", { class: "state" }));
    return item;
  };
  const render = () => {
    if (!list) return;
    const visible = state.log.filter((each) => !each.frame || each.frame.type === "message");
    const ids = new Set(visible.map((each) => each.id));
    for (const [id, item] of shown) if (!ids.has(id)) { item.remove(); shown.delete(id); }
    const bottom = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    for (const each of visible) {
      let item = shown.get(each.id);
      if (!item) { item = line(each); shown.set(each.id, item); list.append(item); }
      if (!each.mine) continue;
      const mark = item.querySelector(".state");
      const text = each.state === "failed" ? `${words.not_sent} ${words[`reason_${each.reason}`] || ""}` : words[each.state] || "";
      if (mark.textContent !== text) mark.textContent = text;
      item.dataset.state = each.state;
    }
    const unread = replies().filter((each) => each.unread !== false && !each.noted).length;
    count.hidden = !unread;
    if (count.textContent !== String(unread)) count.textContent = unread;
    const tidings = unread && panel.hidden ? words.unread.replace("{count}", unread) : "";
    if (news.textContent !== tidings) news.textContent = tidings;
    launcher.setAttribute("aria-label", unread ? `${words.open}: ${words.unread.replace("{count}", unread)}` : words.open);
    if (box.value !== state.draft && shadow.activeElement !== box) box.value = state.draft;
    for (const input of whoFields.querySelectorAll("input")) {
      if (shadow.activeElement !== input && input.value !== state[input.name]) input.value = state[input.name];
    }
    whoFields.hidden = started() || identified;
    const unknown = !state.email && !identified;
    notice.textContent = online ? "" : unknown ? words.away : words.away_known;
    notice.hidden = online;
    form.hidden = state.ended;
    panel.querySelector(".end").hidden = state.ended || !started();
    const answered = replies().some((each) => each.purpose === "reply");
    askForm.hidden = state.ended || !unknown || !started() || answered || (online && !quiet);
    rating.hidden = !(state.ended && told.askRating && !state.rated);
    again.hidden = !state.ended;
    if (!using || ready) { if (status.dataset.line) { status.textContent = ""; delete status.dataset.line; } }
    else if (tries > 1 && !status.dataset.line) { status.textContent = words.no_line; status.dataset.line = "lost"; }
    if (state.ended && state.rated) status.textContent = words.thanks;
    renderFiles();
    if (bottom) list.scrollTop = list.scrollHeight;
  };

  // -- writing

  const enqueue = (text, files = []) => {
    const id = fresh();
    const at = new Date().toISOString();
    text = new TextDecoder().decode(new TextEncoder().encode(text)); // no half of a character
    const frame = { type: "message", id, text, sent_at: at, page: location.href.slice(0, 2000), language: told.language };
    if (state.name) frame.name = state.name;
    if (state.email) frame.email = state.email;
    if (files.length) frame.attachments = files;
    update((s) => { s.log.push({ id, mine: true, text, at, state: "waiting", files, frame }); });
    list.scrollTop = list.scrollHeight;
    using = true;
    connect();
    pump();
    waitForAnswer();
  };
  const write = () => {
    const text = box.value.trim();
    const files = state.files.map(({ upload, name, media_type, size }) => ({ upload, name, media_type, size }));
    if (uploading.size) { status.textContent = words.uploading; return; }
    if (!text && !files.length) { box.focus(); return; }
    const wrong = whoFields.hidden ? null : Array.from(whoFields.querySelectorAll("input")).find((input) => !input.checkValidity());
    if (wrong) {
      problem.textContent = wrong.name === "email" && wrong.value ? words.email_wrong : words.required;
      wrong.setAttribute("aria-invalid", "true");
      wrong.focus();
      return;
    }
    if (new TextEncoder().encode(JSON.stringify({ text, files, page: location.href })).length > LONGEST_FRAME - 2500) {
      problem.textContent = words.too_long;
      return;
    }
    problem.textContent = "";
    box.value = "";
    update((s) => { s.draft = ""; s.files = []; });
    enqueue(text, files);
    box.focus();
  };
  let patience = 0;
  const waitForAnswer = () => {
    clearTimeout(patience);
    if (!told.askEmailAfter) return;
    patience = setTimeout(() => { quiet = true; render(); }, told.askEmailAfter * 1000);
  };
  const end = () => {
    update((s) => { s.ended = true; });
    if (!told.askRating && !waiting()) say({ type: "end" });
    (rating.hidden ? again : rating.querySelector("input")).focus();
  };
  const rate = (value, text) => {
    const id = fresh();
    const frame = { type: "rating", id, rating: value, sent_at: new Date().toISOString() };
    if (text) frame.text = text;
    update((s) => { s.rated = true; s.log.push({ id, mine: true, text, at: frame.sent_at, state: "waiting", frame }); });
    using = true;
    connect();
    pump();
    again.focus();
  };
  const anew = () => {
    if (waiting()) { pump(); return; } // nothing is thrown away that has not arrived
    say({ type: "end" });
    update((s) => Object.assign(s, blank(), { name: s.name, email: s.email, which: s.which + 1 }));
    using = true;
    lost(0.01);
    quiet = false;
    status.textContent = "";
    rating.reset();
    box.focus();
  };

  // -- files: uploaded as they are chosen, sent with the message

  const uploading = new Map();
  const renderFiles = () => {
    const wanted = [...state.files.map((file) => [file.upload, file.name, ""]),
      ...Array.from(uploading, ([id, one]) => [id, one.name, one.percent])];
    const said = JSON.stringify(wanted);
    if (chips.dataset.said === said) return;
    chips.dataset.said = said;
    chips.replaceChildren(...wanted.map(([id, name, percent]) => make("li", {}, `${name} ${percent}`,
      make("button", { type: "button", "aria-label": `${words.remove} ${name}`, onclick: () => remove(id) }, "×"))));
  };
  const remove = (id) => {
    const one = uploading.get(id);
    if (one) { one.request.abort(); uploading.delete(id); }
    update((s) => { s.files = s.files.filter((file) => file.upload !== id); });
    box.focus();
  };
  const upload = (files) => {
    problem.textContent = "";
    for (const file of files) {
      if (state.files.length + uploading.size >= told.maxFiles) { problem.textContent = words.too_many_files; return; }
      if (file.size > told.maxFileBytes) { problem.textContent = words.file_too_large; continue; }
      if (file.size) store(file, 0);
    }
  };
  const store = (file, tried, id = fresh()) => {
    if (!state.token) { // the conversation has not begun yet
      uploading.set(id, { name: file.name, percent: "0 %", request: { abort() {} } });
      renderFiles();
      setTimeout(() => { if (uploading.has(id)) store(file, tried, id); }, 200);
      return;
    }
    const request = new XMLHttpRequest();
    uploading.set(id, { name: file.name, percent: "0 %", request });
    request.open("POST", `${root}/uploads`);
    request.setRequestHeader("Authorization", `Bearer ${state.token}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (!uploading.has(id)) return;
      uploading.get(id).percent = `${Math.floor(event.loaded / event.total * 100)} %`;
      renderFiles();
    };
    request.onload = () => {
      if (!uploading.has(id)) return;
      if (request.status === 201) {
        uploading.delete(id);
        const done = JSON.parse(request.responseText).upload;
        update((s) => { s.files.push({ upload: done, name: file.name.slice(-255), media_type: file.type.slice(0, 127), size: file.size }); });
        if (!uploading.size && status.textContent === words.uploading) { status.textContent = ""; write(); }
      } else if (request.status === 429 || request.status >= 500) retry(+request.getResponseHeader("Retry-After"));
      else { uploading.delete(id); problem.textContent = words.upload_failed; renderFiles(); }
    };
    const retry = (seconds) => {
      if (!uploading.has(id)) return;
      if (tried > 50) { uploading.delete(id); problem.textContent = words.upload_failed; renderFiles(); return; }
      setTimeout(() => { if (uploading.has(id)) store(file, tried + 1, id); }, (seconds || Math.min(30, 2 ** tried)) * 1000);
    };
    request.onerror = () => retry(0);
    request.send(file);
    renderFiles();
  };

  // -- beginning

  const start = async (tries) => {
    try {
      const answer = await fetch(`${root}/chat.json?language=${encodeURIComponent(language)}`);
      if (!answer.ok) throw new Error(answer.status);
      told = await answer.json();
    } catch {
      setTimeout(start, Math.min(60, 2 ** tries) * 1000, tries + 1);
      return;
    }
    ({ words, online } = told);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(told.css);
    shadow.adoptedStyleSheets = [sheet];
    host.lang = told.language;
    load();
    build();
    document.body.append(host);
    render();
    addEventListener("storage", (event) => {
      if (event.key !== key) return;
      const which = state.which;
      load();
      if (state.which !== which && using) lost(0.01); // another tab has begun anew
      render();
      seen();
    });
    document.addEventListener("visibilitychange", seen);
    addEventListener("pagehide", () => { over = true; });
    addEventListener("pageshow", (event) => { if (event.persisted) { over = false; if (using) lost(0.01); } });
    if ((state.token && !state.ended) || waiting()) { // it goes on
      using = true;
      connect();
      if (started()) waitForAnswer();
    }
  };
  if (document.body) start(0);
  else addEventListener("DOMContentLoaded", () => start(0));
})();
