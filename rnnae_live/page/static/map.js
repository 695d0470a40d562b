/**
 * The map of the state space: songs of the bank are points where their states lie, the finger is a mix of those nearby.
 *
 * mirror -> [map] -> link
 */

import { clear, FAINT, INK, SLOTS, WELL } from "./palette.js";
import { circle } from "./pad.js";
import { fitted, Plane, sheet } from "./plane.js";

/** Songs that a place is a mix of. */
const NEIGHBOURS = 4;

/** A finger this near to a point is on it. */
const ON = 0.03;

/** Weights below this are not worth a slot. */
const LEAST = 0.04;

/**
 * @param {{name: string, xy: [number, number]}[]} presets
 * @param {number} x
 * @param {number} y
 * @returns {Record<string, number>} weights by name, together 1: the nearer the heavier
 */
export function nearby(presets, x, y) {
  const ways = presets
    .map((one) => ({ name: one.name, way: Math.hypot(one.xy[0] - x, one.xy[1] - y) }))
    .sort((one, other) => one.way - other.way)
    .slice(0, NEIGHBOURS);
  if (!ways.length) return {};
  if (ways[0].way < ON) return { [ways[0].name]: 1 };
  const pulls = ways.map(({ name, way }) => ({ name, pull: 1 / way ** 2 }));
  const all = pulls.reduce((sum, one) => sum + one.pull, 0);
  const kept = pulls.filter((one) => one.pull / all >= LEAST);
  const rest = kept.reduce((sum, one) => sum + one.pull, 0);
  return Object.fromEntries(kept.map(({ name, pull }) => [name, Math.round((pull / rest) * 1000) / 1000]));
}

export class StateMap {
  /**
   * @param {HTMLElement} element
   * @param {(weights: Record<string, number>) => void} mix
   */
  constructor(element, mix) {
    /** @type {import("./mirror.js").Preset[]} */
    this.presets = [];
    /** @type {(string | null)[]} */
    this.slots = [];
    /** @type {number[]} */
    this.weights = [];
    this.plane = new Plane(element, "Map of the songs: the nearest ones are mixed", ["Across the map", "Up the map"], (x, y) => {
      if (this.presets.length) mix(nearby(this.presets, x, y));
    });
    this.plane.put(0.5, 0.5);
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    this.presets = mirror.presets.filter((one) => one.xy);
    const part = mirror.part;
    if (!part) return;
    this.slots = part.slots;
    this.weights = part.slots.map((_, index) => part.sounding[`weight ${index + 1}`] ?? 0);
    if (!this.plane.busy) this.centre();
  }

  /** Put the finger where the mix is: between the songs that are heard. */
  centre() {
    const all = [0, 0, 0];
    this.presets.forEach((one) => {
      const weight = this.weights[this.slots.indexOf(one.name)] ?? 0;
      all[0] += one.xy[0] * weight;
      all[1] += one.xy[1] * weight;
      all[2] += weight;
    });
    this.heard = all[2] > 0.01;
    const far = Math.hypot(all[0] / all[2] - this.plane.x, all[1] / all[2] - this.plane.y) > 0.25;
    // A finger that was here knows better than the mean of what it asked for.
    if (this.heard && far) this.plane.put(all[0] / all[2], all[1] / all[2]);
  }

  draw() {
    const canvas = sheet(this.plane.canvas);
    if (!canvas) return;
    const { pen, width, height } = canvas;
    const inset = this.plane.inset();
    /** @param {number[]} xy @returns {[number, number]} */
    const at = ([x, y]) => [inset + x * (width - 2 * inset), height - inset - y * (height - 2 * inset)];
    pen.fillStyle = WELL;
    pen.fillRect(0, 0, width, height);
    const finger = at([this.plane.x, this.plane.y]);
    const shown = this.presets.map((one) => {
      const slot = this.slots.indexOf(one.name);
      return { one, slot, weight: slot < 0 ? 0 : this.weights[slot], place: at(one.xy) };
    });
    for (const { slot, weight, place } of shown) if (weight > 0.01) this.tie(pen, finger, place, slot, weight);
    this.points(pen, shown, width, height, finger);
    pen.strokeStyle = INK;
    pen.lineWidth = 3;
    circle(pen, finger[0], finger[1], 11);
    pen.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {[number, number]} from
   * @param {[number, number]} to
   * @param {number} slot
   * @param {number} weight
   */
  tie(pen, from, to, slot, weight) {
    pen.strokeStyle = clear(SLOTS[slot], 0.85);
    pen.lineWidth = 1 + weight * 7;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {{one: import("./mirror.js").Preset, slot: number, weight: number, place: [number, number]}[]} shown
   * @param {number} width
   * @param {number} height
   * @param {[number, number]} finger
   */
  points(pen, shown, width, height, finger) {
    /** @type {Box[]} */
    const taken = [[finger[0] - 13, finger[1] - 13, finger[0] + 13, finger[1] + 13]];
    const dots = shown.map(({ one, place: [x, y] }) => /** @type {any} */ ([x - 4, y - 4, x + 4, y + 4, one]));
    shown.sort((one, other) => other.weight - one.weight || Number(other.slot >= 0) - Number(one.slot >= 0));
    for (const { one, slot, weight, place: [x, y] } of shown) {
      pen.fillStyle = weight > 0.01 ? SLOTS[slot] : clear(INK, 0.5);
      circle(pen, x, y, 3.5 + weight * 6);
      pen.fill();
      pen.font = `${weight > 0.01 ? "600 15px" : "12px"} Inter, system-ui, sans-serif`;
      const text = fitted(pen, one.name, 150);
      const box = freePlace(x, y, pen.measureText(text).width, [...taken, ...dots.filter((dot) => dot[4] !== one)], width, height);
      // A name that has no room is left out: the point stays, and the browser of presets has them all.
      if (!box) continue;
      taken.push(box);
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillStyle = weight > 0.01 ? INK : FAINT;
      pen.fillText(text, box[0] + 3, (box[1] + box[3]) / 2);
    }
  }
}

/** @typedef {[number, number, number, number]} Box left, top, right, bottom */

/**
 * @param {number} x
 * @param {number} y of a point
 * @param {number} long in pixels, of its name
 * @param {Box[]} taken
 * @param {number} width
 * @param {number} height
 * @returns {Box | null} where the name has room beside the point
 */
function freePlace(x, y, long, taken, width, height) {
  const [wide, tall] = [long + 6, 17];
  /** @type {[number, number][]} */
  const corners = [[x + 7, y - tall / 2], [x - 7 - wide, y - tall / 2], [x - wide / 2, y - 8 - tall], [x - wide / 2, y + 8],
    [x + 4, y - tall - 2], [x + 4, y + 2], [x - 4 - wide, y - tall - 2], [x - 4 - wide, y + 2]];
  const boxes = corners.map(([left, top]) => /** @type {Box} */ ([left, top, left + wide, top + tall]));
  const free = (/** @type {Box} */ one) =>
    one[0] >= 4 && one[1] >= 2 && one[2] <= width - 4 && one[3] <= height - 2 &&
    !taken.some((other) => one[0] < other[2] && one[2] > other[0] && one[1] < other[3] && one[3] > other[1]);
  return boxes.find(free) ?? null;
}
