/**
 * Faders: the weight of the phrase, of eight slots, and the temperature. Each shows where it was put, where its gliding
 * value is, where a knob of a controller stands, and whose notes sound.
 *
 * mirror -> [faders] -> link
 */

import { ANSWER, PHRASE, SLOTS } from "./palette.js";

/** Seconds after the last touch for which the hand counts and not the echo. */
const HELD = 0.4;

const FINE = 0.01;
const COARSE = 0.1;

export class Fader {
  /**
   * @param {{name: string, label: string, colour: string, top?: number, start?: number, slot?: number,
   *   turn: (value: number) => void}} options `top` is the largest value, `start` the one of a double click
   */
  constructor({ name, label, colour, top = 1, start = 0, slot, turn }) {
    this.name = name;
    this.top = top;
    this.start = start;
    this.turn = turn;
    this.value = 0;
    this.touched = -Infinity;
    this.holding = false;
    /** Of the pointer that holds it. */
    this.finger = -1;
    this.element = document.createElement("div");
    this.element.className = "fader";
    this.element.dataset.name = name;
    this.element.style.setProperty("--hue", colour);
    this.head = document.createElement(slot ? "button" : "div");
    this.head.className = "head";
    this.title = document.createElement("span");
    this.title.textContent = label;
    this.head.append(this.title);
    this.track = document.createElement("div");
    this.track.className = "track";
    this.track.tabIndex = 0;
    for (const [key, value] of Object.entries({
      role: "slider",
      "aria-orientation": "vertical",
      "aria-valuemin": "0",
      "aria-valuemax": String(top),
      "aria-label": label,
    })) this.track.setAttribute(key, value);
    [this.fill, this.ghost, this.knob, this.light] = ["fill", "ghost", "knob", "light"].map((kind) => {
      const piece = document.createElement("i");
      piece.className = kind;
      this.track.append(piece);
      return piece;
    });
    this.figure = document.createElement("output");
    this.figure.className = "figure";
    this.figure.setAttribute("aria-hidden", "true");
    this.element.append(this.head, this.track, this.figure);
    this.handle();
    this.put(0);
  }

  handle() {
    this.track.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.track.setPointerCapture((this.finger = event.pointerId));
      this.track.focus({ preventScroll: true });
      this.holding = true;
      this.drag(event);
      event.preventDefault();
    });
    this.track.addEventListener("pointermove", (event) => {
      if (this.track.hasPointerCapture(event.pointerId)) this.drag(event);
    });
    this.track.addEventListener("lostpointercapture", () => (this.holding = false));
    this.track.addEventListener("dblclick", () => this.move(this.start));
    this.track.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const box = this.track.getBoundingClientRect();
    // A few pixels at both ends are exactly 0 and exactly the top: nobody has to aim for them.
    const place = 1 - (event.clientY - box.top - 6) / (box.height - 12);
    this.move(Math.min(1, Math.max(0, place)) * this.top);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = (event.shiftKey ? COARSE : FINE * 2) * this.top;
    const to = {
      ArrowUp: this.value + step,
      ArrowRight: this.value + step,
      ArrowDown: this.value - step,
      ArrowLeft: this.value - step,
      PageUp: this.value + COARSE * this.top,
      PageDown: this.value - COARSE * this.top,
      Home: 0,
      End: this.top,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    this.move(to);
    event.preventDefault();
  }

  /** @param {number} value */
  move(value) {
    this.touched = performance.now() / 1000;
    this.put(Math.round(Math.min(this.top, Math.max(0, value)) * 1000) / 1000);
    this.turn(this.value);
  }

  /** @param {number} value */
  put(value) {
    this.value = value;
    this.fill.style.transform = `scaleY(${value / this.top})`;
    const told = value.toFixed(2);
    if (this.figure.textContent === told) return;
    this.figure.textContent = told;
    this.element.classList.toggle("down", value === 0);
    this.track.setAttribute("aria-valuenow", String(value));
    this.track.setAttribute("aria-valuetext", told);
  }

  /**
   * @param {number} value where the engine has it
   * @param {number} [sounding] where it has glided to
   * @param {number} [knob] where a controller's knob stands, if somewhere else
   */
  show(value, sounding, knob) {
    if (!this.holding && performance.now() / 1000 - this.touched > HELD) this.put(value);
    mark(this.ghost, sounding, this.top, sounding !== undefined && Math.abs(sounding - this.value) > 0.004);
    mark(this.knob, knob, this.top, knob !== undefined && Math.abs(knob - this.value) > 0.004);
  }

  /** Take the hand off. */
  release() {
    this.touched = -Infinity;
    this.holding = false;
    if (this.track.hasPointerCapture(this.finger)) this.track.releasePointerCapture(this.finger);
  }

  /** @param {number} level 0 to 1, how strongly its notes sound */
  glow(level) {
    this.light.style.opacity = level.toFixed(2);
  }
}

/**
 * @param {HTMLElement} piece
 * @param {number | undefined} value
 * @param {number} top
 * @param {boolean} there
 */
function mark(piece, value, top, there) {
  piece.classList.toggle("there", there);
  if (there && value !== undefined) piece.style.bottom = `${Math.min(1, value / top) * 100}%`;
}

const LARGEST = 14;
const SMALLEST = 10;

/**
 * @param {string} name
 * @param {number} room in pixels
 * @returns {number} pixels at which the longest word of a name has room
 */
function sizeOf(name, room) {
  const pen = document.createElement("canvas").getContext("2d");
  if (!pen) return LARGEST;
  pen.font = `600 ${LARGEST}px Inter, "SF Pro Text", system-ui, sans-serif`;
  const longest = Math.max(...name.split(/\s+/).map((word) => pen.measureText(word).width));
  return Math.min(LARGEST, Math.max(SMALLEST, Math.floor(((LARGEST * room) / longest) * 4) / 4));
}

export class Faders {
  /**
   * @param {HTMLElement} element
   * @param {{turn: (name: string, value: number) => void, choose: (slot: number) => void}} doing
   */
  constructor(element, doing) {
    /** @param {Partial<ConstructorParameters<typeof Fader>[0]> & {name: string, label: string, colour: string}} options */
    const make = (options) => {
      const fader = new Fader({ turn: (value) => doing.turn(options.name, value), ...options });
      element.append(fader.element);
      return fader;
    };
    this.follow = make({ name: "follow", label: "Your phrase", colour: PHRASE, start: 1 });
    this.slots = SLOTS.map((colour, index) => {
      const slot = index + 1;
      const fader = make({ name: `weight ${slot}`, label: `Slot ${slot}`, colour, slot });
      fader.head.dataset.slot = String(slot);
      fader.element.dataset.slot = String(slot);
      fader.head.addEventListener("click", () => doing.choose(slot));
      return fader;
    });
    this.temperature = make({ name: "temperature", label: "Temperature", colour: ANSWER, top: 1.5 });
    this.temperature.title.textContent = "Temp.";
    this.temperature.element.classList.add("apart");
    this.all = [this.follow, ...this.slots, this.temperature];
  }

  /** Take the hands off. */
  release() {
    for (const fader of this.all) fader.release();
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    const part = mirror.part;
    if (!part) return;
    const knobs = part.physical ?? {};
    for (const fader of this.all) {
      fader.show(part.values[fader.name] ?? 0, part.sounding[fader.name], knobs[fader.name]);
    }
    this.slots.forEach((fader, index) => this.name(fader, index + 1, part));
  }

  /**
   * @param {Fader} fader
   * @param {number} slot
   * @param {Record<string, any>} part
   */
  name(fader, slot, part) {
    const name = part.slots[slot - 1] ?? null;
    const captured = part.captured?.includes(slot);
    const room = fader.head.clientWidth - 3;
    const key = `${name} ${captured} ${room}`;
    if (fader.element.dataset.key === key) return;
    fader.element.dataset.key = key;
    fader.title.textContent = name ?? "empty";
    fader.title.style.fontSize = `${sizeOf(name ?? "", room)}px`;
    fader.title.title = name ?? "";
    fader.element.classList.toggle("empty", name === null);
    fader.element.classList.toggle("captured", Boolean(captured));
    fader.head.setAttribute("aria-label", `Slot ${slot}, ${name ?? "empty"}: choose a preset`);
    fader.track.setAttribute("aria-label", `Weight of slot ${slot}, ${name ?? "empty"}`);
  }

  /** @param {number[]} levels how strongly notes sound: of the phrase, then of slots 1-8 */
  glow(levels) {
    [this.follow, ...this.slots].forEach((fader, index) => fader.glow(levels[index]));
  }
}
