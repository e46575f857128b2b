// The bench page in the browser: it swaps the HTML that the station pushes, plays the sound that stands in it, reads
// aloud, and sends what is scanned or pressed. It knows no rule of the work.
import { listenToKeys } from "./keys.js";
import { play, wake } from "./sound.js";
import { readAloud, watchVoices } from "./voice.js";

const root = document.documentElement;
const SILENCE_MS = 9000; // the station gives a sign of life every 5 s
const RETRY_MS = 1000;
const FRESH_MS = 2000; // how long a new answer is marked, as in bench.css
const TWICE_MS = 600; // a second touch so soon is a trembling hand, not a second wish

const bench = () => document.getElementById("bench");
const serialOf = () => Number(document.querySelector("[data-serial]")?.dataset.serial ?? 0);

// --- what comes

let heard = serialOf(); // the answer that was there before the page is old: no sound for it
let shown = false; // whether the last answer opened a panel; one that a hand has opened is the hand's
let lastSign = performance.now();
let stream = null;

function swap(html) {
  Idiomorph.morph(bench(), html, {
    morphStyle: "outerHTML",
    callbacks: {
      // A panel that somebody has opened stays open, and what is typed in it stays typed.
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DIALOG"),
      beforeNodeMorphed: (old, fresh) => !(old.nodeType === 1 && "keep" in (old.dataset ?? {}) && old.lang === fresh.lang),
    },
  });
  root.lang = bench().lang;
  const serial = serialOf();
  if (serial === heard) return;
  heard = serial;
  const said = document.querySelector("[data-serial]");
  said.classList.add("fresh");
  setTimeout(() => said.classList.remove("fresh"), FRESH_MS);
  play(said.dataset.sound);
  if (said.dataset.shows) openPanel(said.dataset.shows);
  else if (shown) closePanels(); // the question is answered, perhaps by the scanner
  shown = Boolean(said.dataset.shows);
}

function alive() {
  lastSign = performance.now();
  const lost = document.getElementById("lost");
  if (!lost.hidden) lost.hidden = true;
}

function lose() {
  const lost = document.getElementById("lost");
  if (!lost.hidden) return;
  lost.hidden = false;
  play(lost.dataset.sound);
}

function connect() {
  stream = new EventSource(root.dataset.events);
  stream.addEventListener("boot", (event) => {
    if (event.data === root.dataset.started) alive();
    else location.reload(); // the station was started again: its page may be another, and our token is old
  });
  stream.addEventListener("screen", (event) => {
    alive();
    swap(event.data);
  });
  stream.addEventListener("beat", alive);
  stream.addEventListener("error", reconnect);
}

function reconnect() {
  stream.close();
  lose();
  lastSign = performance.now();
  setTimeout(connect, RETRY_MS);
}

connect();
setInterval(() => {
  if (performance.now() - lastSign > SILENCE_MS) reconnect();
}, 1000);

// --- what goes

async function post(way, body) {
  try {
    const answer = await fetch(way, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Bench-Token": root.dataset.token },
      body: JSON.stringify(body),
    });
    if (answer.status === 403) location.reload();
    else if (!answer.ok) lose();
  } catch {
    lose();
  }
}

const send = (body) => post(root.dataset.input, body);

function openPanel(id) {
  closePanels();
  document.getElementById(id)?.show();
}

function closePanels() {
  const open = document.querySelectorAll("dialog[open]");
  open.forEach((panel) => panel.close());
  return open.length > 0;
}

let pressed = { id: "", at: 0 };

function press(button) {
  const { code, opens, language, say, digit } = button.dataset;
  const what = code ?? opens ?? "";
  if (what && pressed.id === what && performance.now() - pressed.at < TWICE_MS) return;
  pressed = { id: what, at: performance.now() };
  if (code) {
    closePanels();
    send({ text: code, source: "touch" });
  } else if (opens) openPanel(opens);
  else if (language) post(root.dataset.languageWay, { language });
  else if (say) readAloud(say, bench().lang);
  else if (digit !== undefined) {
    const typed = button.closest("form").querySelector("input");
    typed.value = digit ? (typed.value + digit).slice(0, typed.maxLength) : typed.value.slice(0, -1);
  } else if ("closes" in button.dataset) closePanels();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && button.type === "button") press(button);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = event.target.querySelector("input");
  const text = typed.value.trim();
  typed.value = "";
  closePanels();
  if (event.target.dataset.sends === "pin") {
    if (/^[0-9]{1,12}$/.test(text)) post(root.dataset.pin, { pin: text });
  } else if (event.target.dataset.sends === "quantity") {
    if (/^[0-9]{1,6}$/.test(text)) send({ quantity: Number(text) });
  } else if (text) send({ text, source: "touch" });
});

document.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press is no wish for a menu
for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, wake, true);

listenToKeys({
  scan: (text) => send({ text, source: "wedge" }),
  key: (name) => {
    if (name === "Escape") return closePanels();
    if (name === "?") return openPanel("keys"), true;
    if (name === "F10") return document.querySelector('.languages [aria-pressed="false"]')?.click(), true;
    const button = document.querySelector(`[data-key="${CSS.escape(name)}"]`);
    button?.click();
    return Boolean(button);
  },
});
watchVoices();
