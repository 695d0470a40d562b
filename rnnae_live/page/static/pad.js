/**
 * The morph pad: four slots at the corners, the finger is the mix between them.
 *
 * mirror -> [pad] -> link
 */

import { clear, FAINT, INK, SLOTS, WELL } from "./palette.js";
import { fitted, Plane, sheet } from "./plane.js";

/** Cells along each side that are decoded ahead. */
const GRID = 8;

/** Where slots 1-4 are. */
const CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]];

export class Pad {
  /**
   * @param {HTMLElement} element
   * @param {(name: string, value: number) => void} turn
   */
  constructor(element, turn) {
    this.plane = new Plane(
      element,
      "Morph between slots 1 to 4",
      ["Across: from slots 1 and 3 to slots 2 and 4", "Up: from slots 1 and 2 to slots 3 and 4"],
      (x, y) => {
        turn("x", x);
        turn("y", y);
      },
    );
    /** @type {(string | null)[]} */
    this.names = [];
    this.ghost = [0, 0];
    this.active = false;
    /** Whether the mix is where the finger put it, and not where faders or a controller did. */
    this.own = false;
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    const part = mirror.part;
    if (!part) return;
    this.names = part.slots.slice(0, 4);
    if (!this.plane.busy) this.plane.put(part.values.x, part.values.y);
    const weights = [1, 2, 3, 4].map((slot) => part.sounding[`weight ${slot}`] ?? 0);
    const all = weights.reduce((one, other) => one + other, 0);
    this.active = all > 0.01;
    const { x, y } = part.values;
    this.own = corners(x, y).every((weight, slot) => Math.abs(weight - part.values[`weight ${slot + 1}`]) < 0.02);
    this.ghost = all > 0.01 ? [(weights[1] + weights[3]) / all, (weights[2] + weights[3]) / all] : [0, 0];
  }

  draw() {
    const canvas = sheet(this.plane.canvas);
    if (!canvas) return;
    const { pen, width, height } = canvas;
    const inset = this.plane.inset();
    /** @param {number} x @param {number} y @returns {[number, number]} */
    const at = (x, y) => [inset + x * (width - 2 * inset), height - inset - y * (height - 2 * inset)];
    pen.fillStyle = WELL;
    pen.fillRect(0, 0, width, height);
    CORNERS.forEach(([x, y], slot) => this.corner(pen, at(x, y), slot, Math.min(width, height) * 0.62));
    this.cells(pen, at);
    if (this.active) this.ties(pen, at);
    CORNERS.forEach(([x, y], slot) => this.label(pen, width, height, x, y, slot));
    if (this.active || this.plane.busy) this.finger(pen, at);
    else this.invite(pen, width, height);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {[number, number]} place
   * @param {number} slot
   * @param {number} reach
   */
  corner(pen, [x, y], slot, reach) {
    const light = pen.createRadialGradient(x, y, 0, x, y, reach);
    light.addColorStop(0, clear(SLOTS[slot], 0.38));
    light.addColorStop(0.5, clear(SLOTS[slot], 0.1));
    light.addColorStop(1, clear(SLOTS[slot], 0));
    pen.fillStyle = light;
    pen.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {(x: number, y: number) => [number, number]} at
   */
  cells(pen, at) {
    pen.fillStyle = clear(INK, 0.07);
    const [left, bottom] = at(0, 0);
    const [right, top] = at(1, 1);
    for (let line = 0; line < GRID; line += 1) {
      const [x, y] = at(line / (GRID - 1), line / (GRID - 1));
      pen.fillRect(Math.round(x), top, 1, bottom - top);
      pen.fillRect(left, Math.round(y), right - left, 1);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {(x: number, y: number) => [number, number]} at
   */
  ties(pen, at) {
    const [x, y] = this.own || this.plane.busy ? [this.plane.x, this.plane.y] : this.ghost;
    const weights = corners(x, y);
    pen.lineCap = "round";
    CORNERS.forEach((corner, slot) => {
      if (weights[slot] < 0.01 || !this.names[slot]) return;
      pen.strokeStyle = clear(SLOTS[slot], 0.25 + 0.65 * weights[slot]);
      pen.lineWidth = 1 + weights[slot] * 8;
      pen.beginPath();
      pen.moveTo(...at(x, y));
      pen.lineTo(...at(corner[0], corner[1]));
      pen.stroke();
    });
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} width
   * @param {number} height
   * @param {number} x
   * @param {number} y
   * @param {number} slot
   */
  label(pen, width, height, x, y, slot) {
    pen.font = "600 16px Inter, system-ui, sans-serif";
    pen.textAlign = x ? "right" : "left";
    pen.textBaseline = y ? "top" : "bottom";
    const name = this.names[slot];
    pen.shadowColor = WELL;
    pen.shadowBlur = 6;
    pen.fillStyle = name ? SLOTS[slot] : FAINT;
    pen.fillText(fitted(pen, name ?? "empty", width / 2 - 28), x ? width - 14 : 14, y ? 12 : height - 12);
    pen.shadowBlur = 0;
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height */
  invite(pen, width, height) {
    pen.font = "17px Inter, system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = FAINT;
    pen.fillText("Touch to morph", width / 2, height / 2);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {(x: number, y: number) => [number, number]} at
   */
  finger(pen, at) {
    const [x, y] = at(this.plane.x, this.plane.y);
    const [gx, gy] = at(this.ghost[0], this.ghost[1]);
    pen.strokeStyle = clear(INK, 0.75);
    pen.lineWidth = 2;
    pen.setLineDash([3, 4]);
    circle(pen, gx, gy, 17);
    pen.stroke();
    pen.setLineDash([]);
    if (!this.own && !this.plane.busy) return;
    pen.fillStyle = clear(INK, 0.16);
    circle(pen, x, y, 26);
    pen.fill();
    pen.fillStyle = INK;
    circle(pen, x, y, 9);
    pen.fill();
  }
}

/** @param {number} x @param {number} y @returns {number[]} weights of slots 1-4 at a place */
function corners(x, y) {
  return [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function circle(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
}
