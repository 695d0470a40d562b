/**
 * The stage: what is shown of the phrase and of the answer, at which place each of them is, and who sounds.
 *
 * mirror -> [stage] -> rolls, faders
 */

import { PPQ } from "./mirror.js";
import { ANSWER, PHRASE } from "./palette.js";
import { parents, trace } from "./parentage.js";
import { colourOf, Roll } from "./rolls.js";

/** Ticks for which a note that has begun lights its parent, at least. */
const SHORTEST_LIGHT = 8;

/** How fast a light goes out, a frame. */
const DECAY = 0.86;

export class Stage {
  /**
   * @param {{in: HTMLCanvasElement, out: HTMLCanvasElement, inTold: HTMLElement, outTold: HTMLElement}} elements
   * @param {import("./mirror.js").Mirror} mirror
   */
  constructor(elements, mirror) {
    this.mirror = mirror;
    this.elements = elements;
    this.phrase = new Roll(elements.in, PHRASE);
    this.answer = new Roll(elements.out, ANSWER);
    this.phrase.hint = "Play: a MIDI keyboard, the keys below, or A to L";
    this.answer.hint = "The answer appears here";
    /** @type {any} */
    this.playing = null;
    /** @type {number[]} parent of each note of the answer */
    this.tracing = [];
    this.levels = new Array(9).fill(0);
    /** @type {[number, number | null, number, number][]} on and off in seconds of the server, pitch, velocity */
    this.coming = [];
  }

  /** Let another part come: nothing of this one stays. */
  clear() {
    for (const roll of [this.phrase, this.answer]) roll.clear();
    [this.playing, this.tracing, this.coming] = [null, [], []];
    this.levels.fill(0);
  }

  /** Take over what has changed. */
  show() {
    const part = this.mirror.part;
    const transport = this.mirror.transport;
    if (!part || !transport) return;
    for (const roll of [this.phrase, this.answer]) [roll.bar, roll.beat] = [transport.bar, transport.beat];
    this.playing = part.playing;
    if (part.playing) this.showAnswer(part.playing);
    this.coming = part.coming;
    if (part.heard && !this.coming.length) this.showPhrase(part.heard);
    tell(this.elements.inTold, part.listening ? "listening" : part.heard ? count(part.heard.notes.length) : "");
    tell(this.elements.outTold, this.told(part));
  }

  /** @param {any} playing */
  showAnswer({ start, length, at, notes }) {
    const placed = notes.map(([on, off, pitch]) => [on - start, off - start, pitch]);
    this.tracing = trace(placed, at, parents(this.mirror));
    this.answer.put(
      `${start}`,
      notes.map(([on, off, pitch, velocity], index) => ({
        on: on - start,
        off: off - start,
        pitch,
        velocity,
        colour: colourOf(this.tracing[index]),
      })),
      length,
    );
  }

  /** @param {any} heard */
  showPhrase(heard) {
    const key = JSON.stringify(heard);
    if (key === this.phrase.key) return;
    const notes = heard.notes.map(([on, duration, pitch, velocity]) => ({
      on,
      off: on + duration,
      pitch,
      velocity,
      colour: PHRASE,
    }));
    this.phrase.put(key, notes, heard.length);
  }

  /** @param {any} part */
  told(part) {
    if (!part.playing) return "";
    const bars = Math.round(part.playing.length / (this.mirror.transport?.bar || 96));
    const first = part.playing.at * bars + 1;
    const which = bars > 1 ? `bars ${first}–${first + bars - 1}` : `bar ${first}`;
    return part.values.freeze ? `frozen, ${which}` : which;
  }

  /**
   * @param {number | null} tick where the transport is
   * @param {number | null} time of the server
   * @returns {boolean} whether anything moves
   */
  draw(tick, time) {
    const playing = this.playing;
    const head = playing && tick !== null ? tick - playing.start : null;
    this.answer.draw(head, playing !== null);
    if (this.coming.length && time !== null) this.drawComing(time);
    else this.phrase.draw(this.phraseHead(head), false);
    this.light(head);
    return playing !== null || this.coming.length > 0 || this.levels.some((level) => level > 0.02);
  }

  /** @param {number | null} head in the answer; the phrase is at the same place */
  phraseHead(head) {
    if (head === null || !this.playing || !this.phrase.notes.length) return null;
    return (this.playing.at * this.playing.length + Math.max(0, head)) % this.phrase.length;
  }

  /** @param {number} time of the server: what is being played is drawn up to it */
  drawComing(time) {
    const ticks = ((this.mirror.transport?.bpm ?? 120) * PPQ) / 60;
    const begin = this.coming[0][0];
    const notes = this.coming.map(([on, off, pitch, velocity]) => ({
      on: (on - begin) * ticks,
      off: ((off ?? Math.max(on, time)) - begin) * ticks,
      pitch,
      velocity,
      colour: PHRASE,
    }));
    const bars = Math.ceil(((time - begin) * ticks + PPQ) / this.phrase.bar);
    const length = Math.max(2, bars) * this.phrase.bar;
    this.phrase.put("coming", notes, length);
    this.phrase.gone = [];
    this.phrase.draw((time - begin) * ticks, true);
  }

  /** @param {number | null} head */
  light(head) {
    this.levels = this.levels.map((level) => level * DECAY);
    if (head === null) return;
    this.answer.notes.forEach((note, index) => {
      const parent = this.tracing[index];
      if (parent >= 0 && note.on <= head && head < Math.max(note.off, note.on + SHORTEST_LIGHT)) this.levels[parent] = 1;
    });
  }
}

/** @param {number} notes */
function count(notes) {
  return notes === 1 ? "1 note" : `${notes} notes`;
}

/** @param {HTMLElement} element @param {string} text */
function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
