// What is said, in order: the next when the one before is acknowledged.

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
