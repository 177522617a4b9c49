const form = document.querySelector("form.form");
if (form) {
  deskstreamSending(form, { url: form.action, done: (answer) => location.assign(answer.page) });
} else {
  document.querySelector("[data-title]").focus();
}
