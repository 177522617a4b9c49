// The line: a WebSocket, and where none goes through posts and waiting.

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
