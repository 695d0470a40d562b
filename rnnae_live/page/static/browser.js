/**
 * The browser of presets: all of the bank with their program numbers, found by typing, put into a slot by a tap or drag.
 *
 * mirror -> [browser] -> link
 */

import { SLOTS } from "./palette.js";

/** What a dragged preset is known by. */
export const DRAGGED = "application/x-rnnae-preset";

/** Rows that are made at once; more presets are found by searching. */
const MOST_ROWS = 400;

export class Browser {
  /**
   * @param {HTMLElement} element
   * @param {(name: string, slot: number) => void} put
   */
  constructor(element, put) {
    this.put = put;
    this.slot = 1;
    this.key = "";
    /** @type {import("./mirror.js").Preset[]} */
    this.presets = [];
    /** @type {(string | null)[]} */
    this.slots = [];
    this.search = document.createElement("input");
    Object.assign(this.search, { type: "search", placeholder: "Search", autocomplete: "off", spellcheck: false });
    this.search.setAttribute("aria-label", "Search presets by name, tag or program number");
    this.search.addEventListener("input", () => this.list());
    this.targets = document.createElement("div");
    this.targets.className = "targets";
    this.targets.setAttribute("role", "radiogroup");
    this.targets.setAttribute("aria-label", "Slot that a preset goes to");
    this.rows = document.createElement("ul");
    this.rows.className = "rows";
    this.rows.setAttribute("aria-label", "Presets");
    element.append(this.search, this.targets, this.rows);
    this.target();
  }

  target() {
    this.targets.replaceChildren(
      ...SLOTS.map((colour, index) => {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("role", "radio");
        button.setAttribute("aria-label", `Into slot ${index + 1}`);
        button.textContent = String(index + 1);
        button.style.setProperty("--hue", colour);
        button.addEventListener("click", () => this.aim(index + 1));
        button.addEventListener("keydown", (event) => this.step(event));
        return button;
      }),
    );
    this.aim(this.slot);
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    this.aim(((this.slot - 1 + by + SLOTS.length) % SLOTS.length) + 1);
    /** @type {HTMLElement} */ (this.targets.children[this.slot - 1]).focus();
    event.preventDefault();
  }

  /** @param {number} slot that presets go to from now on */
  aim(slot) {
    this.slot = slot;
    [...this.targets.children].forEach((button, index) => {
      button.setAttribute("aria-checked", String(index + 1 === slot));
      /** @type {HTMLElement} */ (button).tabIndex = index + 1 === slot ? 0 : -1;
    });
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    this.slots = mirror.part?.slots ?? [];
    const key = JSON.stringify(this.slots);
    if (this.presets === mirror.presets && key === this.key) return;
    this.presets = mirror.presets;
    this.key = key;
    this.list();
  }

  list() {
    const words = this.search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const found = this.presets.filter((one) => {
      const text = [one.name, ...(one.tags ?? []), one.program ?? ""].join(" ").toLocaleLowerCase();
      return words.every((word) => text.includes(word));
    });
    this.rows.replaceChildren(...found.slice(0, MOST_ROWS).map((one) => this.row(one)));
    if (!found.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = this.presets.length ? "Nothing has this name." : "No presets yet.";
      this.rows.append(none);
    }
  }

  /** @param {import("./mirror.js").Preset} one */
  row(one) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.draggable = true;
    const [number, name, picture, tags] = ["number", "name", "picture", "tags"].map((kind) => {
      const piece = document.createElement(kind === "picture" ? "canvas" : "span");
      piece.className = kind;
      return piece;
    });
    number.textContent = String(one.program ?? "–");
    name.textContent = one.name;
    tags.textContent = [...(one.bars ? [`${one.bars} bars`] : []), ...(one.tags ?? []).filter((tag) => tag !== "factory")].join(" · ");
    name.append(tags);
    picture.setAttribute("aria-hidden", "true");
    const slot = this.slots.indexOf(one.name);
    if (slot >= 0) {
      button.style.setProperty("--hue", SLOTS[slot]);
      button.classList.add("used");
    }
    button.append(number, name, picture);
    button.addEventListener("click", () => this.put(one.name, this.slot));
    button.addEventListener("dragstart", (event) => {
      event.dataTransfer?.setData(DRAGGED, one.name);
      event.dataTransfer?.setData("text/plain", one.name);
    });
    row.append(button);
    sketch(/** @type {HTMLCanvasElement} */ (picture), one.notes ?? [], slot < 0 ? "#98a1b3" : SLOTS[slot]);
    return row;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("./mirror.js").Preview[]} notes
 * @param {string} colour
 */
function sketch(canvas, notes, colour) {
  const [width, height] = [92, 30];
  [canvas.width, canvas.height] = [width * 2, height * 2];
  const pen = canvas.getContext("2d");
  if (!pen || !notes.length) return;
  pen.scale(2, 2);
  pen.fillStyle = colour;
  const pitches = notes.map((note) => note[2]);
  const [low, high] = [Math.min(...pitches), Math.max(...pitches)];
  const length = Math.max(...notes.map(([onset, duration]) => onset + duration));
  for (const [onset, duration, pitch] of notes) {
    const y = high === low ? height / 2 : ((high - pitch) / (high - low)) * (height - 4);
    pen.fillRect((onset * width) / length, y, Math.max(1, (duration * width) / length - 0.7), 2.6);
  }
}
