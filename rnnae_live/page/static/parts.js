/**
 * The parts: one of them is on the page, and all that hands do is meant for it. Its number is in the page's address, so
 * that a reload or a second page comes back to it.
 *
 * mirror -> [parts] -> main
 */

import { MODES } from "./transport.js";

/** Parts that have room beside each other. */
const ROW = 8;

export class Parts {
  /**
   * @param {HTMLElement} element hidden where there is one part only
   * @param {(number: number) => void} chosen told the part, from 0 on
   */
  constructor(element, chosen) {
    this.element = element;
    this.chosen = chosen;
    this.number = 0;
    /** @type {{button: HTMLButtonElement, told: HTMLElement, song: HTMLElement}[]} */
    this.tabs = [];
    addEventListener("hashchange", () => this.choose(asked()));
  }

  /** @param {number} number of the part that is on the page from now on; without one that is not there, the first */
  choose(number) {
    this.number = number in this.tabs ? number : 0;
    history.replaceState(null, "", this.number ? `#part=${this.number + 1}` : location.pathname);
    this.tabs.forEach(({ button }, index) => {
      button.setAttribute("aria-checked", String(index === this.number));
      button.tabIndex = index === this.number ? 0 : -1;
    });
    this.chosen(this.number);
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    const parts = Object.values(mirror.tree.parts ?? {});
    if (!parts.length) return;
    if (parts.length !== this.tabs.length) this.build(parts.length);
    const modes = mirror.specs.get("mode")?.choices ?? [];
    this.tabs.forEach((tab, index) => this.name(tab, index, parts[index], modes[parts[index].values.mode]));
  }

  /** @param {number} count */
  build(count) {
    this.tabs = Array.from({ length: count }, (_, index) => this.tab(index));
    this.element.replaceChildren(...this.tabs.map(({ button }) => button));
    this.element.style.setProperty("--columns", String(count > ROW ? Math.ceil(count / 2) : count));
    this.element.classList.toggle("many", count > ROW);
    this.element.hidden = count < 2;
    this.choose(asked());
  }

  /** @param {number} index */
  tab(index) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "radio");
    if (index < 9) button.setAttribute("aria-keyshortcuts", String(index + 1));
    const [number, told, song, light] = ["b", "span", "small", "i"].map((kind) => document.createElement(kind));
    number.textContent = String(index + 1);
    button.append(number, told, song, light);
    button.addEventListener("click", () => this.choose(index));
    button.addEventListener("keydown", (event) => this.step(event));
    return { button, told, song };
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    this.choose((this.number + by + this.tabs.length) % this.tabs.length);
    this.tabs[this.number].button.focus();
    event.preventDefault();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it was the number of a part
   */
  typed(event) {
    const number = Number(/^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? 0);
    if (!number || event.shiftKey || this.tabs.length < 2 || number > this.tabs.length) return false;
    this.choose(number - 1);
    return true;
  }

  /**
   * @param {Parts["tabs"][number]} tab
   * @param {number} index
   * @param {any} part
   * @param {string} word for its mode
   */
  name({ button, told, song }, index, part, word) {
    const mode = MODES[/** @type {keyof typeof MODES} */ (word)] ?? word ?? "";
    const all = part.channel === null;
    const name = heaviest(part);
    const label = `Part ${index + 1}, ${mode}, ${all ? "all channels" : `channel ${part.channel + 1}`}, ${name}`;
    button.classList.toggle("listening", Boolean(part.listening));
    if (button.getAttribute("aria-label") === label) return;
    button.setAttribute("aria-label", label);
    button.title = label;
    const channel = document.createElement("em");
    channel.textContent = ` · ${all ? "all ch" : `ch ${part.channel + 1}`}`;
    told.replaceChildren(mode, channel);
    song.textContent = name;
  }

  /**
   * @param {number | null} tick where the transport is
   * @param {import("./mirror.js").Mirror} mirror
   * @returns {boolean} whether any part plays
   */
  draw(tick, mirror) {
    const playing = this.tabs.map((_, index) => mirror.tree.parts?.[index]?.playing);
    this.tabs.forEach(({ button }, index) => {
      const notes = tick === null ? [] : playing[index]?.notes ?? [];
      button.classList.toggle("sounds", notes.some(([on, off]) => on <= tick && tick < off));
    });
    return playing.some(Boolean);
  }
}

/** @returns {number} the part that the page's address names, from 0 on */
function asked() {
  return Number(/^#part=(\d{1,2})$/.exec(location.hash)?.[1] ?? 1) - 1;
}

/** @param {any} part @returns {string} what weighs most in its mix */
function heaviest(part) {
  let [name, most] = part.values.follow > 0 ? ["Your phrase", part.values.follow] : ["Nothing", 0];
  part.slots.forEach((/** @type {string | null} */ slot, /** @type {number} */ index) => {
    const weight = part.values[`weight ${index + 1}`] ?? 0;
    if (slot && weight > most) [name, most] = [slot, weight];
  });
  return name;
}
