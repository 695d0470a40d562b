/**
 * Piano rolls: the phrase that came in and the melody that goes out, with what is still to come.
 *
 * mirror, parentage -> [rolls] -> faders
 *
 * Units: ticks; pixels of the page.
 */

import { PPQ } from "./mirror.js";
import { ANSWER, BAR_LINE, clear, FAINT, INK, LINE, NOBODY, PHRASE, SLOTS, WELL } from "./palette.js";
import { sheet } from "./plane.js";

const LEAST_PITCHES = 12;
const BLACK = new Set([1, 3, 6, 8, 10]);

/** Pixels at the left edge, for the names of pitches. */
const MARGIN = 30;

/** Seconds for which a note that a change took away is still seen to go. */
const FADING = 0.5;

/** @typedef {{on: number, off: number, pitch: number, velocity: number, colour: string}} Drawn on and off from the roll's left edge on */

/**
 * @param {number} parent index of a parent, -1 for none
 * @returns {string} its colour
 */
export function colourOf(parent) {
  return parent < 0 ? NOBODY : parent === 0 ? PHRASE : SLOTS[parent - 1];
}

export class Roll {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {string} accent colour of the playhead
   */
  constructor(canvas, accent) {
    this.canvas = canvas;
    this.accent = accent;
    /** @type {Drawn[]} */
    this.notes = [];
    this.length = 8 * PPQ;
    this.bar = 4 * PPQ;
    this.beat = PPQ;
    this.range = [58, 58 + LEAST_PITCHES];
    /** @type {{note: Drawn, at: number}[]} */
    this.gone = [];
    this.key = "";
    /** What is written where there is nothing to see. */
    this.hint = "";
  }

  /**
   * @param {string} key of what is shown: another one is another page, not a change of this one
   * @param {Drawn[]} notes
   * @param {number} length
   */
  put(key, notes, length) {
    if (key === this.key) {
      const there = new Set(notes.map((one) => `${Math.round(one.on)} ${one.pitch}`));
      const at = performance.now() / 1000;
      this.gone = this.gone.filter((one) => at - one.at < FADING);
      for (const note of this.notes) {
        if (!there.has(`${Math.round(note.on)} ${note.pitch}`)) this.gone.push({ note, at });
      }
    } else {
      this.gone = [];
    }
    this.range = around(notes, key === this.key ? this.range : null);
    [this.key, this.notes, this.length] = [key, notes, Math.max(length, PPQ)];
  }

  /** Show nothing. */
  clear() {
    this.put("nothing", [], 2 * this.bar);
    this.key = "";
  }

  /**
   * @param {number | null} head tick of the playhead from the left edge on, null for none
   * @param {boolean} bright whether it is what sounds now
   */
  draw(head, bright) {
    const canvas = sheet(this.canvas);
    if (!canvas) return;
    const { pen, width, height } = canvas;
    const row = height / (this.range[1] - this.range[0] + 1);
    const x = (/** @type {number} */ tick) => MARGIN + (tick * (width - MARGIN)) / this.length;
    this.ground(pen, width, height, row, x);
    const at = performance.now() / 1000;
    for (const { note, at: since } of this.gone) {
      const left = 1 - (at - since) / FADING;
      if (left > 0) this.note(pen, note, x, row, 0.3 * left, false);
    }
    for (const note of this.notes) {
      const sounds = bright && head !== null && note.on <= head && head < note.off;
      const past = head !== null && note.off <= head;
      this.note(pen, note, x, row, !bright ? 0.72 : past ? 0.95 : 0.62, sounds);
    }
    if (head !== null && head >= 0 && head <= this.length) this.playhead(pen, x(head), height);
    if (!this.notes.length && this.hint) {
      pen.font = "17px Inter, system-ui, sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillStyle = FAINT;
      pen.fillText(this.hint, width / 2, height / 2);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} width
   * @param {number} height
   * @param {number} row
   * @param {(tick: number) => number} x
   */
  ground(pen, width, height, row, x) {
    pen.fillStyle = WELL;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "#0a0b10";
    for (let pitch = this.range[0]; pitch <= this.range[1]; pitch += 1) {
      if (BLACK.has(pitch % 12)) pen.fillRect(0, (this.range[1] - pitch) * row, width, row);
    }
    for (let tick = 0; tick < this.length; tick += this.beat) {
      const bar = tick % this.bar === 0;
      pen.fillStyle = bar ? BAR_LINE : LINE;
      pen.fillRect(Math.round(x(tick)), 0, 1, height);
    }
    pen.font = "12px Inter, system-ui, sans-serif";
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.fillStyle = FAINT;
    for (let pitch = this.range[0]; pitch <= this.range[1]; pitch += 1) {
      const y = (this.range[1] - pitch + 0.5) * row;
      if (pitch % 12 === 0 && y > 7 && y < height - 7) pen.fillText(`C${pitch / 12 - 1}`, MARGIN - 6, y);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Drawn} note
   * @param {(tick: number) => number} x
   * @param {number} row
   * @param {number} strength 0 to 1
   * @param {boolean} sounds
   */
  note(pen, note, x, row, strength, sounds) {
    // A thin row would make hairlines of the notes; they may lean into the rows beside them.
    const tall = Math.max(row - 1, 8);
    const top = (this.range[1] - note.pitch + 0.5) * row - tall / 2;
    const left = x(note.on) + 1;
    const wide = Math.max(4, x(note.off) - x(note.on) - 2);
    pen.save();
    if (sounds) {
      pen.shadowColor = note.colour;
      pen.shadowBlur = 16;
    }
    pen.fillStyle = clear(note.colour, sounds ? 1 : strength * (0.55 + (0.45 * note.velocity) / 127));
    pen.beginPath();
    pen.roundRect(left, top, wide, tall, Math.min(4, tall / 2));
    pen.fill();
    pen.restore();
    pen.fillStyle = clear("#ffffff", sounds ? 0.9 : 0.35 * strength);
    pen.fillRect(left, top + 1, 2, tall - 2);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} x
   * @param {number} height
   */
  playhead(pen, x, height) {
    const begin = Math.max(MARGIN, x - 60);
    const trail = pen.createLinearGradient(x - 60, 0, x, 0);
    trail.addColorStop(0, clear(this.accent, 0));
    trail.addColorStop(1, clear(this.accent, 0.14));
    pen.fillStyle = trail;
    pen.fillRect(begin, 0, x - begin, height);
    pen.fillStyle = this.accent === ANSWER ? ANSWER : INK;
    pen.fillRect(x - 1, 0, 2, height);
  }
}

/**
 * @param {Drawn[]} notes
 * @param {number[] | null} before range that is not left while the page is the same
 * @returns {number[]} lowest and highest pitch to show
 */
function around(notes, before) {
  const pitches = notes.map((note) => note.pitch);
  if (!pitches.length) return before ?? [58, 58 + LEAST_PITCHES];
  let low = Math.min(...pitches) - 1;
  let high = Math.max(...pitches) + 1;
  if (before) [low, high] = [Math.min(low, before[0]), Math.max(high, before[1])];
  while (high - low < LEAST_PITCHES) [low, high] = [low - 1, high + 1];
  return [low, high];
}
