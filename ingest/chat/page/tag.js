// What the page says: <script src="…/in/NAME/chat.js" data-language="fr" data-identity="…" async></script>

const script = document.currentScript;
const root = script.src.replace(/\/chat\.js(\?.*)?$/, "");
const identity = script.dataset.identity || undefined;
const language = script.dataset.language || document.documentElement.lang || navigator.language;
