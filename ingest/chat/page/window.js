// The window.

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
