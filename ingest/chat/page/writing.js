// Writing.

const LONGEST_FRAME = 16 * 1024;

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
