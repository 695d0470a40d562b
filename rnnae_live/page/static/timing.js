/**
 * Timing: how late messages were sent, how many, and how the line to this page is.
 *
 * mirror, link -> [timing] -> eyes
 *
 * Units: microseconds as the player counts them; shown as µs and ms.
 */

import { ANSWER, clear, FAINT, LINE, WELL } from "./palette.js";
import { sheet } from "./plane.js";

/** Microseconds from which on a message counts as late: what a note-on takes on a MIDI cable. */
const LATE = 1000;

/** Buckets that have room: up to 2^17 µs, 0.13 s. */
const SHOWN = 18;

/** @param {number | undefined} us @returns {string} as people say it */
export function told(us) {
  if (us === undefined || !Number.isFinite(us)) return "–";
  return us < 1000 ? `${Math.round(us)} µs` : `${(us / 1000).toFixed(us < 10000 ? 2 : 0)} ms`;
}

/** @param {number[]} buckets @returns {number} messages that were late */
export function late(buckets) {
  return buckets.reduce((sum, number, bits) => (2 ** bits > LATE * 2 ? sum + number : sum), 0);
}

export class Timing {
  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} brief one line of it, always there
   */
  constructor(element, brief) {
    this.brief = brief;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.list = document.createElement("dl");
    element.append(this.list, this.canvas);
    /** @type {Map<string, HTMLElement>} */
    this.figures = new Map();
    /** @type {number[]} */
    this.buckets = [];
  }

  /**
   * @param {import("./mirror.js").Mirror} mirror
   * @param {import("./link.js").Link} link
   */
  show(mirror, link) {
    const player = mirror.tree.player ?? {};
    const engine = mirror.tree.engine ?? {};
    const [half, most, worst] = player.late_us ?? [];
    this.buckets = player.late_buckets ?? [];
    this.canvas.setAttribute("aria-label", `Histogram of lateness: half of all messages below ${told(half)}, 99 percent below ${told(most)}`);
    this.figure("Late, 99 %", told(most), true);
    this.figure("Late, half", told(half), true);
    this.figure("Worst", told(worst), true);
    this.figure("99.9 %", told(player.late_us_p999));
    this.figure("Sent", String(player.sent ?? "–"));
    this.figure("Over 1 ms", String(late(this.buckets)));
    this.figure("Dropped", String(player.dropped ?? "–"));
    if (player.missed_periods !== undefined) this.figure("Missed periods", String(player.missed_periods));
    for (const [name, value] of Object.entries(engine)) if (typeof value === "number") this.other(name, value);
    this.figure("Page line", Number.isFinite(link.trip) ? `${(link.trip * 1000).toFixed(1)} ms` : "–");
    const counts = mirror.tree.counts;
    if (counts) this.figure("Answers", String(counts.answers));
    this.brief.textContent = most === undefined || !player.sent ? "" : `late ${told(most)}`;
    this.brief.title = "99 of 100 messages were sent less late than this";
    this.brief.classList.toggle("bad", (most ?? 0) > LATE);
  }

  /** @param {string} name as the engine tells it, with its unit at the end @param {number} value */
  other(name, value) {
    const unit = { us: "µs", ms: "ms", s: "s", percent: "%", mb: "MB" }[name.split("_").at(-1) ?? ""];
    const words = (unit ? name.replace(/_[^_]+$/, "") : name).replaceAll("_", " ");
    const number = unit === "µs" ? told(value) : `${Math.round(value * 100) / 100}${unit ? ` ${unit}` : ""}`;
    this.figure(words[0].toUpperCase() + words.slice(1), number);
  }

  /** @param {string} name @param {string} value @param {boolean} [large] */
  figure(name, value, large = false) {
    let place = this.figures.get(name);
    if (!place) {
      const row = document.createElement("div");
      row.classList.toggle("large", large);
      const term = document.createElement("dt");
      term.textContent = name;
      place = document.createElement("dd");
      row.append(term, place);
      this.list.append(row);
      this.figures.set(name, place);
    }
    if (place.textContent !== value) place.textContent = value;
  }

  draw() {
    const canvas = sheet(this.canvas);
    if (!canvas) return;
    const { pen, width, height } = canvas;
    const [floor, step] = [height - 24, width / SHOWN];
    pen.fillStyle = WELL;
    pen.fillRect(0, 0, width, height);
    const most = Math.max(1, ...this.buckets);
    pen.font = "12px Inter, system-ui, sans-serif";
    pen.textBaseline = "top";
    for (let bits = 0; bits < SHOWN; bits += 1) {
      // A square root: one late note among ten thousand is to be seen.
      const tall = Math.sqrt((this.buckets[bits] ?? 0) / most) * (floor - 12);
      pen.fillStyle = 2 ** bits > LATE * 2 ? "#ff6b5e" : clear(ANSWER, 0.85);
      if (tall) pen.fillRect(bits * step + 2, floor - Math.max(2, tall), step - 4, Math.max(2, tall));
    }
    pen.fillStyle = LINE;
    pen.fillRect(0, floor, width, 1);
    pen.fillStyle = FAINT;
    for (const [bits, text] of /** @type {[number, string][]} */ ([[0, "1 µs"], [3.3, "10 µs"], [6.6, "0.1 ms"], [10, "1 ms"], [13.3, "10 ms"], [17, "0.1 s"]])) {
      pen.textAlign = bits === 0 ? "left" : bits === 17 ? "right" : "center";
      pen.fillText(text, bits === 0 ? 4 : bits === 17 ? width - 4 : bits * step, floor + 6);
    }
  }
}
