// Beginning.

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
