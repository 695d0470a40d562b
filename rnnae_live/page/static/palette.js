/**
 * Colours by role: what was played, what comes back, and the parents of a mix.
 *
 * [palette] -> faders, pad, rolls
 */

/** The phrase that was played; the cool one. */
export const PHRASE = "#6cc8ff";

/** What the instrument does; the warm one. */
export const ANSWER = "#ffb35c";

/** A note that none of its parents has. */
export const NOBODY = "#e6eaf2";

/** Slots 1-8. */
export const SLOTS = ["#ff8a70", "#f3dc5a", "#a4d65e", "#42d3a5", "#a78bfa", "#e68be6", "#ff86ae", "#d2bb95"];

export const INK = "#eef1f7";
export const FAINT = "#98a1b3";
export const WELL = "#0d0f15";
export const LINE = "#1d212b";
export const BAR_LINE = "#353b4a";

/**
 * @param {string} colour as #rrggbb
 * @param {number} alpha 0 to 1
 * @returns {string} the same colour, let through
 */
export function clear(colour, alpha) {
  const n = parseInt(colour.slice(1), 16);
  return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
}
