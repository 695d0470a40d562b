/**
 * What the engine shows, kept whole: the first message is the tree, those after it are the branches that changed.
 *
 * link -> [mirror] -> everything that is seen
 */

/** Ticks to the quarter note. */
export const PPQ = 24;

/** @typedef {[number, number, number]} Preview onset and duration in ticks, pitch */
/** @typedef {{name: string, program: number | null, bars: number | null, tags: string[], notes: Preview[], xy: [number, number] | null, length: number | null, pieces: number[]}} Preset program from 1 on, pieces as the ticks at which they begin */
/** @typedef {{name: string, min: number, max: number, default: number, choices: string[], unit: string, whole: boolean, step: number, curve: string, summary: string}} Spec */

/**
 * @param {Record<string, any>} before
 * @param {Record<string, any>} different
 * @returns {Record<string, any>} `before` with the branches of `different`
 */
export function apply(before, different) {
  const after = { ...before };
  for (const [name, value] of Object.entries(different)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    const inside = isTree(value) && isTree(old) && Object.keys(value).every((key) => Object.hasOwn(old, key));
    Object.defineProperty(after, name, {
      value: inside ? apply(old, value) : value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return after;
}

/** @param {any} value */
function isTree(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export class Mirror {
  constructor() {
    /** @type {Record<string, any>} */
    this.tree = {};
    /** @type {Preset[]} */
    this.presets = [];
    /** @type {Map<string, Preset>} */
    this.byName = new Map();
    /** @type {Map<string, Spec>} */
    this.specs = new Map();
    this.changed = false;
    /** Of the part that is on the page, from 0 on. */
    this.number = 0;
  }

  /** Forget the tree: the next message is a whole one. */
  forget() {
    this.tree = {};
  }

  /** @param {Record<string, any>} different */
  take(different) {
    this.tree = apply(this.tree, different);
    this.changed = true;
  }

  /** @param {Preset[]} presets */
  stock(presets) {
    this.presets = presets;
    this.byName = new Map(presets.map((one) => [one.name, one]));
    this.changed = true;
  }

  /** @param {Spec[]} specs */
  know(specs) {
    this.specs = new Map(specs.map((one) => [one.name, one]));
    this.changed = true;
  }

  /** @returns {Record<string, any> | undefined} the part that is on the page */
  get part() {
    return this.tree.parts?.[this.number];
  }

  /** @returns {Record<string, any> | undefined} */
  get transport() {
    return this.tree.transport;
  }

  /**
   * @param {string} name of a parameter
   * @returns {number | undefined} its value, the part's or the instrument's
   */
  value(name) {
    return this.part?.values?.[name] ?? this.tree.values?.[name];
  }

  /**
   * @param {number | null} time of the server in seconds
   * @returns {number | null} where the transport is, in ticks
   */
  tick(time) {
    const line = this.transport;
    return time === null || !line ? null : ((time - line.origin) * line.bpm * PPQ) / 60;
  }

  /**
   * @param {number} tick
   * @returns {number} the server's second of a tick
   */
  second(tick) {
    const line = this.transport;
    return line ? line.origin + (tick * 60) / (line.bpm * PPQ) : NaN;
  }
}
