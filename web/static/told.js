// A file is taken with its progress in sight; without a script the link or the form gives the same file.
// The answer: lines with the rows that are done (`n`, or `n/total`), a line with size and name, and then the file.
"use strict";
(() => {
  const note = document.getElementById("told"), say = note.dataset;
  const [bar, text] = note.children, number = new Intl.NumberFormat(document.documentElement.lang);
  let busy = false, total = Number(say.rows);

  function tell(sentence, n, tone) {
    note.hidden = false;
    note.className = `said ${tone}`;
    bar.hidden = tone !== "";
    bar.max = total || 1;
    bar.value = n;
    text.textContent = sentence.replace("{n}", number.format(n)).replace("{total}", number.format(total));
  }

  async function fetched(url, body) {
    const answer = await fetch(url, body ? { method: "POST", body } : {});
    if (answer.redirected) location.assign(answer.url);  // the page says what is wrong
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const reader = answer.body.getReader(), blocks = [], decoder = new TextDecoder();
    let head = new Uint8Array(), name = null, size = 0, got = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (name !== null) { blocks.push(value); got += value.length; continue; }
      const seen = new Uint8Array(head.length + value.length);
      seen.set(head); seen.set(value, head.length); head = seen;
      for (let end; name === null && (end = head.indexOf(10)) >= 0; head = head.subarray(end + 1)) {
        const said = decoder.decode(head.subarray(0, end)), space = said.indexOf(" ");
        if (space < 0) {
          const [n, all] = said.split("/").map(Number);
          total = all || total;
          tell(say.far, n, "");
        }
        else { size = Number(said.slice(0, space)); name = said.slice(space + 1); }
      }
      if (name !== null) { blocks.push(head); got = head.length; }
    }
    if (name === null || got !== size) throw new Error("cut off");
    return [new Blob(blocks), name];
  }

  async function take(url, body) {
    busy = true;
    tell(say.far, 0, "");
    try {
      const [file, name] = await fetched(url, body), link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      tell(say.done, total, "go");
    } catch { tell(say.broken, 0, "stop"); }
    busy = false;
  }

  for (const link of document.querySelectorAll("a[data-told]")) link.addEventListener("click", (event) => {
    event.preventDefault();
    const url = new URL(link.href);
    url.searchParams.set("told", "1");
    if (!busy) take(url);
  });
  for (const form of document.querySelectorAll("form[data-told]")) form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = new FormData(form);
    body.append("told", "1");
    if (!busy) take(form.action, body);
  });
})();
