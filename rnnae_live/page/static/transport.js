/**
 * The bar at the top: transport, place, tempo, mode and scale.
 *
 * mirror -> [transport] -> link
 */

import { PPQ } from "./mirror.js";
import { fill } from "./shape.js";

/** Modes as they are written. */
export const MODES = { answer: "Answer", trade: "Trade", loop: "Loop" };

/** @param {string} id @returns {any} */
const named = (id) => document.getElementById(id);

export class TransportBar {
  /** @param {import("./link.js").Link} link */
  constructor(link) {
    this.link = link;
    this.play = named("play");
    this.position = named("position");
    this.bpm = named("bpm");
    this.mode = named("mode");
    this.place = "";
    this.specs = null;
    this.play.addEventListener("click", () => link.press("start or stop the transport"));
    named("tap").addEventListener("pointerdown", () => link.press("tap the tempo"));
    named("tap").addEventListener("click", (/** @type {MouseEvent} */ event) => {
      // A pointer has tapped already when it went down: that is the beat.
      if (event.detail === 0) link.press("tap the tempo");
    });
    this.handleTempo();
    for (const name of ["root", "scale"]) {
      named(name).addEventListener("change", () => link.turn(name, Number(named(name).value)));
    }
  }

  handleTempo() {
    const { bpm } = this;
    const send = () => {
      const value = Number(bpm.value.replace(",", "."));
      if (Number.isFinite(value) && value > 0) this.link.turn("bpm", value);
    };
    bpm.addEventListener("change", send);
    bpm.addEventListener("focus", () => bpm.select());
    bpm.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (event.key === "Enter") bpm.blur();
      if (!by) return;
      bpm.value = (Math.min(300, Math.max(20, Number(bpm.value) + by))).toFixed(1);
      send();
      event.preventDefault();
    });
  }

  /** @param {Map<string, import("./mirror.js").Spec>} specs */
  build(specs) {
    this.specs = specs;
    fill(named("root"), specs.get("root")?.choices ?? []);
    fill(named("scale"), (specs.get("scale")?.choices ?? []).map((word) => (word === "off" ? "All notes" : word)));
    this.mode.replaceChildren(
      ...(specs.get("mode")?.choices ?? []).map((word, index) => {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("role", "radio");
        button.textContent = MODES[/** @type {keyof typeof MODES} */ (word)] ?? word;
        button.addEventListener("click", () => this.link.turn("mode", index));
        button.addEventListener("keydown", (event) => this.step(event));
        return button;
      }),
    );
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const buttons = [...this.mode.children];
    const next = buttons[(buttons.indexOf(event.currentTarget) + by + buttons.length) % buttons.length];
    next.focus();
    next.click();
    event.preventDefault();
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    if (this.specs !== mirror.specs && mirror.specs.size) this.build(mirror.specs);
    const { transport, part } = mirror;
    if (!transport || !part) return;
    this.play.setAttribute("aria-pressed", String(Boolean(transport.running)));
    const followed = transport.sync !== "internal";
    named("sync").textContent = followed ? "bpm, MIDI clock" : "bpm";
    this.bpm.readOnly = followed;
    if (document.activeElement !== this.bpm) this.bpm.value = transport.bpm.toFixed(1);
    [...this.mode.children].forEach((/** @type {HTMLElement} */ button, index) => {
      button.setAttribute("aria-checked", String(index === part.values.mode));
      button.tabIndex = index === part.values.mode ? 0 : -1;
    });
    for (const name of ["root", "scale"]) {
      if (document.activeElement !== named(name)) named(name).value = String(part.values[name]);
    }
    named("root").classList.toggle("off", part.values.scale === 0);
  }

  /**
   * @param {number | null} tick
   * @param {import("./mirror.js").Mirror} mirror
   */
  draw(tick, mirror) {
    const { transport, part } = mirror;
    if (!transport || tick === null) return;
    const moving = transport.running || part?.playing;
    const from = transport.running ? tick : tick - (part?.playing?.start ?? tick) + (part?.playing ? part.playing.at * part.playing.length : 0);
    const beat = Math.floor(from / (transport.beat || PPQ));
    const beats = Math.round(transport.bar / (transport.beat || PPQ));
    const bar = Math.floor(beat / beats);
    const place = moving ? `${bar < 0 ? bar : bar + 1}.${(((beat % beats) + beats) % beats) + 1}` : "1.1";
    this.position.classList.toggle("rest", !moving);
    if (place === this.place) return;
    this.place = place;
    const [one, other] = place.split(".");
    const dot = document.createElement("i");
    dot.textContent = ".";
    this.position.replaceChildren(one, dot, other);
    this.position.classList.toggle("beat", Boolean(moving) && other === "1");
  }
}
