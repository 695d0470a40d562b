/**
 * The speaker: plays in the browser what the instrument plays, at its time, following every change.
 *
 * mirror, keyboard -> [speaker] -> synth
 *
 * A note is given to the synthesizer a little before its moment; one that a change takes away before then is cut.
 * Units: seconds; the server's, the page's and the audio clock's are told apart by their names.
 */

import { Synth } from "./synth.js";

/** Seconds ahead, and between two looks. A page that is not seen is woken once a second only. */
const AHEAD = 0.12;
const AHEAD_UNSEEN = 1.3;
const LOOK = 0.025;

/** A note that comes later than this is left out. */
const TOO_LATE = 0.15;

export class Speaker {
  /**
   * @param {import("./mirror.js").Mirror} mirror
   * @param {import("./link.js").Link} link
   */
  constructor(mirror, link) {
    this.mirror = mirror;
    this.link = link;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Synth | null} */
    this.synth = null;
    /** @type {Map<string, {voice: import("./synth.js").Voice, part: string, on: number, off: number}>} */
    this.given = new Map();
    /** @type {Map<number, import("./synth.js").Voice>} */
    this.keys = new Map();
    setInterval(() => this.look(), LOOK * 1000);
  }

  get on() {
    return this.context?.state === "running";
  }

  /** Sound on or off; browsers allow it after a touch or a key only. */
  async toggle() {
    if (this.on) {
      this.silence();
      await this.context?.suspend();
      return false;
    }
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.synth = new Synth(this.context);
    }
    await this.context.resume();
    return this.on;
  }

  /**
   * @param {number} second of the server
   * @returns {number} the same moment of the audio clock
   */
  moment(second) {
    const context = /** @type {AudioContext} */ (this.context);
    const stamp = context.getOutputTimestamp?.();
    const here = second - (this.link.offset ?? 0);
    if (stamp?.performanceTime && stamp.contextTime) {
      return here - stamp.performanceTime / 1000 + stamp.contextTime;
    }
    return here - performance.now() / 1000 + context.currentTime;
  }

  /** Give what begins soon, move ends that have moved, and take back what is not played after all. */
  look() {
    if (!this.on || !this.synth || this.link.offset === null) return;
    const parts = this.link.open ? Object.entries(this.mirror.tree.parts ?? {}) : [];
    const now = this.context?.currentTime ?? 0;
    const there = new Set();
    const playing = new Set();
    for (const [number, part] of parts) {
      if (part.playing) playing.add(number);
      for (const [on, off, pitch, velocity] of part.playing?.notes ?? []) {
        const key = `${number} ${on} ${pitch}`;
        there.add(key);
        this.give(key, number, this.moment(this.mirror.second(on)), this.moment(this.mirror.second(off)), pitch, velocity);
      }
    }
    for (const [key, given] of this.given) {
      if (!there.has(key) && given.on > now) given.voice.cut();
      else if (!there.has(key) && !playing.has(given.part) && given.off > now + 0.02) given.voice.release(now);
      if (given.off < now - 1 || (!there.has(key) && given.on > now)) this.given.delete(key);
    }
  }

  /**
   * @param {string} key of a note
   * @param {string} part whose it is
   * @param {number} at moment of the audio clock
   * @param {number} until
   * @param {number} pitch
   * @param {number} velocity
   */
  give(key, part, at, until, pitch, velocity) {
    const { context, synth } = /** @type {{context: AudioContext, synth: Synth}} */ (this);
    const now = context.currentTime;
    const given = this.given.get(key);
    if (given && Math.abs(given.off - until) > 0.02) {
      given.voice.release(until);
      given.off = until;
    } else if (!given && at < now + (document.hidden ? AHEAD_UNSEEN : AHEAD) && at > now - TOO_LATE && until > now) {
      const voice = synth.strike(pitch, velocity, Math.max(at, now), "answer");
      voice.release(until);
      this.given.set(key, { voice, part, on: at, off: until });
    }
  }

  /**
   * A key of this page went down (velocity above 0) or up.
   * @param {number} pitch
   * @param {number} velocity
   */
  played(pitch, velocity) {
    const now = this.context?.currentTime ?? 0;
    this.keys.get(pitch)?.release(now);
    this.keys.delete(pitch);
    if (velocity && this.on && this.synth) this.keys.set(pitch, this.synth.strike(pitch, velocity, now, "phrase"));
  }

  silence() {
    this.synth?.silence();
    this.given.clear();
    this.keys.clear();
  }
}
