// Files: uploaded as they are chosen, sent with the message.

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
