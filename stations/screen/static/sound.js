// Plays the notes that the station writes into the page: "262:220 0:90 262:320" is pitch in Hz and length in ms, 0 a rest.

let audio = null;

/** Browsers let a page sound only after the first touch or key, unless the kiosk is started with sound allowed. */
export function wake() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

export function play(score) {
  if (!score) return;
  wake();
  if (audio.state !== "running") return; // notes of the past would all sound at once later
  let at = audio.currentTime + 0.01;
  for (const note of score.split(" ")) {
    const [hz, ms] = note.split(":").map(Number);
    const end = at + ms / 1000;
    if (hz > 0) {
      const tone = audio.createOscillator();
      const loud = audio.createGain();
      tone.type = hz < 500 ? "square" : "sine"; // small loudspeakers hardly carry a low sine
      tone.frequency.value = hz;
      loud.gain.setValueAtTime(0, at);
      loud.gain.linearRampToValueAtTime(hz < 500 ? 0.35 : 0.6, at + 0.008);
      loud.gain.setValueAtTime(hz < 500 ? 0.35 : 0.6, end - 0.012);
      loud.gain.linearRampToValueAtTime(0, end);
      tone.connect(loud).connect(audio.destination);
      tone.start(at);
      tone.stop(end);
    }
    at = end;
  }
}
