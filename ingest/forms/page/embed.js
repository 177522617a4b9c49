// <script src="…/in/NAME/form.js" data-language="fr" data-identity="…" data-target="#here"></script>
(() => {
  const script = document.currentScript;
  const root = script.src.replace(/\/form\.js(\?.*)?$/, "");
  const place = () => {
    const target = script.dataset.target && document.querySelector(script.dataset.target);
    const host = document.createElement("div");
    host.dataset.deskstream = root;
    if (target) target.append(host); else script.after(host);
    return host;
  };
  const start = async () => {
    const host = place();
    const shadow = host.attachShadow({ mode: "open" });
    const language = script.dataset.language || document.documentElement.lang || navigator.language;
    const policy = window.trustedTypes && trustedTypes.createPolicy("deskstream", { createHTML: (html) => html });
    const fill = (html) => {
      const inside = document.createElement("template");
      inside.innerHTML = policy ? policy.createHTML(html) : html; // made by our server, escaped there
      shadow.replaceChildren(inside.content);
    };
    const show = async (tries) => {
      let given;
      try {
        const answer = await fetch(`${root}/form.json?language=${encodeURIComponent(language)}`);
        if (!answer.ok) throw new Error(answer.status);
        given = await answer.json();
      } catch {
        const link = document.createElement("a");
        link.href = `${root}/`;
        link.textContent = link.href;
        shadow.replaceChildren(link);
        if (tries < 20) setTimeout(show, Math.min(60, 2 ** tries) * 1000, tries + 1);
        return;
      }
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(given.css);
      shadow.adoptedStyleSheets = [sheet];
      fill(given.html);
      host.lang = given.language;
      deskstreamSending(shadow.querySelector("form"), {
        url: `${root}/submissions`,
        identity: script.dataset.identity,
        done: (answer) => {
          fill(answer.html);
          shadow.querySelector("[data-title]").focus();
          shadow.querySelector("[data-another]").addEventListener("click", (event) => {
            event.preventDefault();
            show(0);
          });
          host.dispatchEvent(new CustomEvent("deskstream:received", { bubbles: true, detail: { reference: answer.reference } }));
        },
      });
    };
    await show(0);
  };
  start();
})();
