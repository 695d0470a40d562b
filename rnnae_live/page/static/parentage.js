/**
 * Whose child a note is: the parent that has the nearest note at the same place.
 *
 * presets, phrase, melody -> [parentage] -> rolls, faders
 *
 * Units: ticks, 24 to the quarter note; places count from the beginning of a piece, which is two bars.
 */

const BARS_PER_PIECE = 2;

/** Costs of a quarter note's way in time and of a semitone, and what a stranger's note costs. */
const TIME = 1 / 12;
const PITCH = 0.45;
const OCTAVE = 0.6;
const STRANGE = 2.0;

/** A light parent has to be nearer than a heavy one. */
const LIGHT = 0.35;

/**
 * @typedef {{index: number, weight: number, notes: [number, number, number][], pieces: number[]}} Parent `pieces` are the
 *   ticks at which its pieces begin, from its first whole bar on: in a mix nobody has a pickup
 */

/**
 * @param {import("./mirror.js").Mirror} mirror
 * @returns {Parent[]} what is in the mix: index 0 is the phrase, 1-8 are the slots
 */
export function parents(mirror) {
  const part = mirror.part;
  if (!part) return [];
  /** @type {Parent[]} */
  const found = [];
  if (part.heard && part.values.follow > 0) {
    const { notes, length, pickup } = part.heard;
    const pieces = even(pickup ?? 0, length, BARS_PER_PIECE * (mirror.transport?.bar ?? 96));
    found.push({ index: 0, weight: part.values.follow, notes, pieces });
  }
  part.slots.forEach((/** @type {string | null} */ name, /** @type {number} */ slot) => {
    const weight = part.sounding[`weight ${slot + 1}`] ?? 0;
    if (!name || weight <= 0) return;
    const preset = mirror.byName.get(name);
    found.push({ index: slot + 1, weight, notes: preset?.notes ?? [], pieces: preset?.pieces.length ? preset.pieces : [0] });
  });
  return found;
}

/**
 * @param {number} begin
 * @param {number} end
 * @param {number} step
 * @returns {number[]} every beginning of a step from `begin` on that is before `end`, one at least
 */
function even(begin, end, step) {
  const count = Math.max(1, Math.ceil((end - begin) / step));
  return Array.from({ length: count }, (_, index) => begin + index * step);
}

/**
 * @param {[number, number, number][]} notes as [on, off, pitch] from the piece's beginning on
 * @param {number} at number of the piece
 * @param {Parent[]} among
 * @returns {number[]} for each note the index of its parent, -1 where nobody has it
 */
export function trace(notes, at, among) {
  if (among.length === 1) return notes.map(() => among[0].index);
  const heaviest = Math.max(...among.map((one) => one.weight));
  const places = among.map(({ pieces }) => pieces[at % pieces.length]);
  return notes.map(([on, , pitch]) => {
    let best = -1;
    let least = STRANGE;
    among.forEach((one, which) => {
      const cost = nearest(one.notes, on + places[which], pitch) + LIGHT * (1 - one.weight / heaviest);
      if (cost < least) [best, least] = [one.index, cost];
    });
    return best;
  });
}

/**
 * @param {[number, number, number][]} notes
 * @param {number} onset
 * @param {number} pitch
 * @returns {number} how far the nearest note is
 */
function nearest(notes, onset, pitch) {
  let least = Infinity;
  for (const [on, , other] of notes) {
    const way = Math.abs(on - onset) * TIME;
    if (way > STRANGE) continue;
    const apart = Math.abs(other - pitch);
    const leap = apart && apart % 12 === 0 ? OCTAVE : Math.min(apart, 8) * PITCH;
    least = Math.min(least, way + leap);
  }
  return least;
}
