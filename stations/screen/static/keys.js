// Keys of a keyboard, and of a scanner that acts as one. Works wherever the focus is.
//
// A scanner types a whole code within a few hundredths of a second and ends it with Enter; a hand does not. So letters that
// follow each other fast are gathered, and only a fast run that ends with Enter is a scan. Commands are on the function
// keys, which no code can hold: a torn scan presses no button.

const FAST_MS = 80; // longest pause between two characters of a scan; USB scanners need 1 to 30 ms, radio ones up to 60
const TORN_MS = 400; // a fast run without its end for so long was cut
const SHORTEST = 3; // characters; fewer are a hand's
const GS = "\x1d";

let run = "";
let lastAt = 0;
let timer = 0;

const isField = (node) => node instanceof HTMLElement && (node.tagName === "INPUT" || node.isContentEditable);

/** Listen for ever. `scan(text)` gets a scan, "" for one that was torn; `key(name)` gets F1…F12, Escape or ?, and says whether it was used. */
export function listenToKeys({ scan, key }) {
  window.addEventListener("keydown", (event) => onKey(event, scan, key), true);
}

function onKey(event, scan, key) {
  if (event.isComposing || event.repeat) return;
  const fast = event.timeStamp - lastAt < FAST_MS;
  if (/^F\d+$/.test(event.key) || event.key === "Escape") {
    if (!hasModifier(event) && key(event.key)) event.preventDefault();
    return;
  }
  if (isField(event.target)) return; // a scan into a field ends with Enter too, and the field's form sends it
  if (event.key === "Enter") {
    const text = run;
    const whole = fast && text.length >= SHORTEST;
    forget();
    if (whole) {
      event.preventDefault(); // else Enter would press the button that has the focus
      event.stopPropagation();
      scan(text);
    }
    return;
  }
  const character = characterOf(event, fast);
  if (character === "") return;
  if (!fast) run = "";
  run += character;
  lastAt = event.timeStamp;
  if (run.length > 1) event.preventDefault(); // a space inside a scan would press the button that has the focus
  clearTimeout(timer);
  timer = setTimeout(() => onSilence(scan, key), TORN_MS);
}

/** The character that a key adds to a scan, "" for none. Scanners send the separator GS as Ctrl+]. */
function characterOf(event, fast) {
  if (fast && run && event.ctrlKey && !event.altKey && (event.key === "]" || event.key === GS)) return GS;
  if (hasModifier(event) || event.key.length !== 1) return "";
  return event.key;
}

/** Ctrl, Alt and the logo key make shortcuts of the browser, not text; AltGr does make text on a French keyboard. */
function hasModifier(event) {
  return (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph");
}

function onSilence(scan, key) {
  const text = run;
  forget();
  if (text === "?") key("?");
  else if (text.length > SHORTEST) scan("");
}

function forget() {
  run = "";
  lastAt = 0;
  clearTimeout(timer);
}
