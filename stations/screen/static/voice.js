// Reads sentences aloud with the computer's own voices. Without a voice there is no button: a dead one would only puzzle.

const speech = window.speechSynthesis;

export function watchVoices() {
  if (!speech) return;
  const look = () => document.documentElement.classList.toggle("voices", speech.getVoices().length > 0);
  speech.addEventListener?.("voiceschanged", look);
  look();
}

export function readAloud(text, language) {
  if (!speech) return;
  speech.cancel(); // a second press starts again
  const said = new SpeechSynthesisUtterance(text);
  said.lang = language;
  said.voice = speech.getVoices().find((voice) => voice.lang.toLowerCase().startsWith(language)) ?? null;
  said.rate = 0.9;
  speech.speak(said);
}
