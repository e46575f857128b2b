/* The wall's only script: swaps what the server has drawn, counts minutes, and says when it may be old. It knows no rule.
   Pushed for speed, fetched for truth: on connect, on a gap in the cursors, and every 15 seconds. */
"use strict";
(() => {
  const say = document.body.dataset;
  const HEAL_MS = 15000, ALONE_MS = 5000, STALE_MS = 20000, AGAIN_MS = 30000;
  const parts = new Map(); // part id → HTML as the server last said it
  let cursor = 0, mark = "", skew = 0, confirmed = performance.now(), confirmedAt = Date.now();
  let pushes = 0, healing = null, again = 0;

  const now = () => Date.now() + skew;
  const hhmm = new Intl.DateTimeFormat(say.lang, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: say.tz });

  function lasts(ms) {
    const min = Math.floor(ms / 60000);
    if (min < 1) return say.now;
    if (min < 60) return say.min.replace("{n}", min);
    if (min < 1440) return say.hour.replace("{h}", Math.floor(min / 60)).replace("{m}", String(min % 60).padStart(2, "0"));
    return say.day.replace("{n}", Math.floor(min / 1440));
  }

  function tick() {
    document.getElementById("clock").textContent = hhmm.format(now());
    for (const el of document.querySelectorAll("time[data-since]")) write(el, lasts(now() - Date.parse(el.dataset.since)));
    for (const el of document.querySelectorAll("time[data-until]")) write(el, lasts(Date.parse(el.dataset.until) - now() + 59999));
    const stale = performance.now() - confirmed > STALE_MS;
    if (stale !== document.body.classList.contains("stale")) {
      document.body.classList.toggle("stale", stale);
      boardFit();
      document.querySelector("#fresh use").setAttribute("href", stale ? "#m-stop" : "#m-wait");
      document.querySelector("#fresh span").textContent = stale ? say.stale.replace("{time}", hhmm.format(confirmedAt + skew)) : say.fresh;
    }
  }
  function write(el, text) { if (el.textContent !== text) el.textContent = text; }

  function confirm() { confirmed = performance.now(); confirmedAt = Date.now(); tick(); }

  function changed(id) {
    const el = document.getElementById(id);
    if (!el || !el.classList.contains("tile")) return;
    el.classList.add("changed");
    el.addEventListener("animationend", () => el.classList.remove("changed"), { once: true });
  }

  function parse(html) { const t = document.createElement("template"); t.innerHTML = html; return t.content.firstElementChild; }

  function swap(id, fresh) {
    const html = fresh.outerHTML, el = document.getElementById(id);
    if (!el) return false;
    if (parts.get(id) === html) return true;
    parts.set(id, html);
    Idiomorph.morph(el, fresh, { morphStyle: "outerHTML" });
    changed(id);
    return true;
  }

  function settle() { boardFit(); tick(); }

  function remember(board) {
    cursor = Number(board.dataset.cursor); mark = board.dataset.mark;
    skew = Date.parse(board.dataset.now) - Date.now();
  }

  /* A push: what changed between two cursors. Older than what is shown: no news. A gap: fetch everything. */
  function pushed(message) {
    pushes++;
    if (message.to < cursor) return;
    if (message.from > cursor || message.whole) { heal(); return; }
    let whole = true;
    for (const [id, html] of Object.entries(message.parts)) whole = swap(id, parse(html)) && whole;
    cursor = message.to; mark = message.mark;
    settle();
    if (whole) confirm(); else heal();
  }

  function heal() { return (healing ??= fetchAll().finally(() => { healing = null; })); }

  async function fetchAll() {
    const before = pushes;
    try {
      const url = `${say.fragment}?lang=${say.lang}&since=${encodeURIComponent(mark)}`;
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (answer.status === 204) { if (pushes === before) cursor = Number(answer.headers.get("X-Board-Cursor")); confirm(); return; }
      if (!answer.ok) return;
      const board = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("board");
      const here = document.getElementById("board");
      if (!board) return;
      if (board.dataset.build !== here.dataset.build && Date.now() - Number(sessionStorage.getItem("reloaded") || 0) > 60000) {
        sessionStorage.setItem("reloaded", String(Date.now())); location.reload(); return;
      }
      // What was pushed while this was on its way is newer than this, unless this says otherwise.
      if (Number(board.dataset.cursor) < cursor && pushes !== before) return;
      show(here, board);
      confirm();
    } catch { /* the next round tries again; the page says how old it is */ }
  }

  function show(here, board) {
    const shape = (el) => [el.className, ...[...el.querySelectorAll("[data-part]")].map((p) => p.id)].join(" ");
    remember(board);
    if (shape(here) === shape(board)) {
      for (const part of board.querySelectorAll("[data-part]")) swap(part.id, document.importNode(part, true));
      for (const name of ["cursor", "mark", "now"]) here.dataset[name] = board.dataset[name];
    } else {
      parts.clear();
      for (const part of board.querySelectorAll("[data-part]")) parts.set(part.id, part.outerHTML);
      here.replaceWith(document.importNode(board, true));
    }
    settle();
  }

  function connect() {
    const socket = io({ transports: ["websocket"], query: { lang: say.lang }, reconnectionDelay: 500, reconnectionDelayMax: 5000 });
    socket.on("connect", heal);
    socket.on("board", pushed);
    // Turned away (too many boards): this page lives on fetching, and asks again later.
    socket.on("connect_error", () => { if (!socket.active) { clearTimeout(again); again = setTimeout(() => socket.connect(), AGAIN_MS); } });
    setInterval(() => {
      const quiet = performance.now() - confirmed;
      if (quiet > (socket.connected ? HEAL_MS : ALONE_MS) - 100 || performance.now() - fetched > HEAL_MS - 100) { fetched = performance.now(); heal(); }
      tick();
    }, 1000);
    let fetched = performance.now();
    addEventListener("visibilitychange", () => { if (!document.hidden) heal(); });
    addEventListener("online", heal);
  }

  const first = document.getElementById("board");
  for (const part of first.querySelectorAll("[data-part]")) parts.set(part.id, part.outerHTML);
  remember(first);
  settle();
  connect();
})();
