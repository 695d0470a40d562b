/**
 * The keyboard: on the screen for fingers, and the computer's keys for hands.
 *
 * [keyboard] -> link, speaker, stage
 *
 * A note-off is sent for every note-on: when the key comes up, when the page is left, and when everything is silenced.
 */

/** Semitones above C by the place of a key: the middle row is white, the one above it black. */
const PLACES = {
  KeyA: 0, KeyW: 1, KeyS: 2, KeyE: 3, KeyD: 4, KeyF: 5, KeyT: 6, KeyG: 7, KeyY: 8, KeyH: 9, KeyU: 10, KeyJ: 11,
  KeyK: 12, KeyO: 13, KeyL: 14, KeyP: 15, Semicolon: 16, Quote: 17,
};
const LETTERS = ["A", "W", "S", "E", "D", "F", "T", "G", "Y", "H", "U", "J", "K", "O", "L", "P", ";", "'"];
const BLACK = new Set([1, 3, 6, 8, 10]);
const NAMES = ["C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B"];

const OCTAVES = 3;
const TYPED = 92;

export class Keyboard {
  /**
   * @param {HTMLElement} element
   * @param {(pitch: number, velocity: number) => void} play velocity 0 is up
   */
  constructor(element, play) {
    this.element = element;
    this.play = play;
    this.octave = 4;
    /** @type {Map<string | number, number>} pitch by what holds it: a finger or a key of the computer */
    this.held = new Map();
    this.keys = document.createElement("div");
    this.keys.className = "piano";
    const lower = this.button("Octave down (key Z)", "‹", () => this.shift(-1));
    const higher = this.button("Octave up (key X)", "›", () => this.shift(1));
    element.append(lower, this.keys, higher);
    this.keys.addEventListener("pointerdown", (event) => this.down(event));
    this.keys.addEventListener("pointermove", (event) => this.over(event));
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.keys.addEventListener(kind, (event) => this.up(/** @type {PointerEvent} */ (event).pointerId));
    }
    addEventListener("blur", () => this.release());
    addEventListener("pagehide", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
    this.build();
  }

  /** @param {string} label @param {string} sign @param {() => void} act */
  button(label, sign, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "octave";
    button.setAttribute("aria-label", label);
    button.textContent = sign;
    button.addEventListener("click", act);
    return button;
  }

  build() {
    const low = this.octave * 12;
    const white = OCTAVES * 7 + 1;
    let place = 0;
    this.keys.replaceChildren();
    for (let pitch = low; pitch <= low + OCTAVES * 12; pitch += 1) {
      const black = BLACK.has(pitch % 12);
      const key = document.createElement("i");
      key.className = black ? "black" : "white";
      key.dataset.pitch = String(pitch);
      key.title = NAMES[pitch % 12];
      key.style.width = `${(black ? 62 : 100) / white}%`;
      key.style.left = `${((black ? place - 0.31 : place) * 100) / white}%`;
      const letter = LETTERS[pitch - 12 * (this.octave + 1)];
      const label = document.createElement("span");
      label.textContent = letter ?? (pitch % 12 === 0 ? `C${pitch / 12 - 1}` : "");
      key.append(label);
      this.keys.append(key);
      if (!black) place += 1;
    }
    this.keys.setAttribute("role", "img");
    this.keys.setAttribute("aria-label", `Piano keys from C${low / 12 - 1}; the computer's keys A to L play them`);
    this.light();
  }

  /** @param {number} by octaves */
  shift(by) {
    this.release();
    this.octave = Math.min(7, Math.max(1, this.octave + by));
    this.build();
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button) return;
    this.keys.setPointerCapture(event.pointerId);
    this.hold(event.pointerId, ...this.under(event));
    event.preventDefault();
  }

  /** @param {PointerEvent} event a finger that slides plays what it comes to */
  over(event) {
    const pitch = this.held.get(event.pointerId);
    if (pitch === undefined || !this.keys.hasPointerCapture(event.pointerId)) return;
    const [next, velocity] = this.under(event);
    if (next !== null && next !== pitch) this.hold(event.pointerId, next, velocity);
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number | null, number]} pitch and velocity: further down on a key is louder
   */
  under(event) {
    const key = /** @type {HTMLElement | null} */ (
      document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-pitch]") ?? null
    );
    if (!key || !this.keys.contains(key)) return [null, 0];
    const box = key.getBoundingClientRect();
    return [Number(key.dataset.pitch), Math.round(52 + 68 * Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)))];
  }

  /**
   * @param {KeyboardEvent} event of the computer's keyboard
   * @returns {boolean} whether it was a key of ours
   */
  typed(event) {
    if (event.type === "keyup") return this.up(event.code);
    if (event.repeat) return event.code in PLACES;
    if (event.code === "KeyZ" || event.code === "KeyX") {
      this.shift(event.code === "KeyZ" ? -1 : 1);
      return true;
    }
    const place = PLACES[/** @type {keyof typeof PLACES} */ (event.code)];
    if (place === undefined) return false;
    const pitch = (this.octave + 1) * 12 + place;
    if (pitch <= 127) this.hold(event.code, pitch, TYPED);
    return true;
  }

  /** @param {string | number} by @param {number | null} pitch @param {number} velocity */
  hold(by, pitch, velocity) {
    this.up(by);
    if (pitch === null) return;
    const again = [...this.held.values()].includes(pitch);
    this.held.set(by, pitch);
    if (!again) this.play(pitch, velocity);
    this.light();
  }

  /** @param {string | number} by @returns {boolean} whether it held anything */
  up(by) {
    const pitch = this.held.get(by);
    if (pitch === undefined) return false;
    this.held.delete(by);
    if (![...this.held.values()].includes(pitch)) this.play(pitch, 0);
    this.light();
    return true;
  }

  /** Let go of everything. */
  release() {
    for (const by of [...this.held.keys()]) this.up(by);
  }

  light() {
    const down = new Set(this.held.values());
    for (const key of /** @type {NodeListOf<HTMLElement>} */ (this.keys.querySelectorAll("i"))) {
      key.classList.toggle("down", down.has(Number(key.dataset.pitch)));
    }
  }
}
