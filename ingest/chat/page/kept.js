// What is kept in the page's storage, shared by all tabs of the site; whoever is logged in has his own.

const KEPT = 200; // entries of a conversation, and replies that are said to be here

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
