/**
 * Shape: every parameter that has no place of its own on the panel, from the instrument's own table.
 *
 * mirror -> [shape] -> link
 */

/** What is somewhere else on the page. */
const ELSEWHERE = new Set(["follow", "temperature", "x", "y", "freeze", "mode", "scale", "root", "bpm"]);

const GROUPS = [
  ["When", ["quantise", "start", "end", "turn", "glide", "thru"]],
  ["Melody", ["density", "range", "syncopation", "interval", "contour", "deja vu"]],
  ["Pitch", ["transpose", "octave"]],
  ["Touch", ["feel", "swing", "humanize", "shortest", "longest"]],
];

/** Seconds after the last touch for which the hand counts and not the echo. */
const HELD = 0.4;

export class Shape {
  /**
   * @param {HTMLElement} element
   * @param {(name: string, value: number) => void} turn
   */
  constructor(element, turn) {
    this.element = element;
    this.turn = turn;
    /** @type {Map<string, {spec: import("./mirror.js").Spec, input: HTMLInputElement | HTMLSelectElement, told: HTMLElement}>} */
    this.controls = new Map();
    this.touched = new Map();
    this.specs = null;
  }

  /** Take the hand off. */
  release() {
    this.touched.clear();
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    if (this.specs !== mirror.specs) this.build(mirror.specs);
    for (const [name, { spec, input, told }] of this.controls) {
      const value = mirror.value(name);
      if (value === undefined || performance.now() / 1000 - (this.touched.get(name) ?? -Infinity) < HELD) continue;
      if (meant(spec, Number(input.value)) !== value) input.value = String(way(spec, value));
      told.textContent = said(spec, value);
    }
  }

  /** @param {Map<string, import("./mirror.js").Spec>} specs */
  build(specs) {
    this.specs = specs;
    this.controls.clear();
    this.element.replaceChildren();
    const rest = [...specs.keys()].filter((name) => !ELSEWHERE.has(name) && !name.startsWith("weight "));
    const placed = new Set(GROUPS.flatMap(([, names]) => names));
    const groups = [...GROUPS, ["More", rest.filter((name) => !placed.has(name))]];
    for (const [title, names] of /** @type {[string, string[]][]} */ (groups)) {
      const there = names.filter((name) => rest.includes(name));
      if (!there.length) continue;
      const group = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = title;
      group.append(legend, ...there.map((name) => this.control(/** @type {any} */ (specs.get(name)))));
      this.element.append(group);
    }
  }

  /** @param {import("./mirror.js").Spec} spec */
  control(spec) {
    const row = document.createElement("label");
    row.className = "control";
    row.dataset.name = spec.name;
    row.title = spec.summary;
    const name = document.createElement("span");
    name.textContent = spec.name;
    const told = document.createElement("output");
    const input = spec.choices.length ? choices(spec) : range(spec);
    input.addEventListener("input", () => {
      this.touched.set(spec.name, performance.now() / 1000);
      const value = meant(spec, Number(input.value));
      told.textContent = said(spec, value);
      this.turn(spec.name, value);
    });
    if (!spec.choices.length) {
      input.addEventListener("dblclick", () => {
        input.value = String(way(spec, spec.default));
        input.dispatchEvent(new Event("input"));
      });
    }
    row.append(name, input, told);
    this.controls.set(spec.name, { spec, input, told });
    return row;
  }
}

/** @param {import("./mirror.js").Spec} spec */
export function choices(spec) {
  const select = document.createElement("select");
  fill(select, spec.choices);
  return select;
}

/** @param {HTMLSelectElement} select @param {string[]} words */
export function fill(select, words) {
  select.replaceChildren(
    ...words.map((word, index) => {
      const option = document.createElement("option");
      option.value = String(index);
      option.textContent = word;
      return option;
    }),
  );
}

/** @param {import("./mirror.js").Spec} spec */
function range(spec) {
  const input = document.createElement("input");
  // Lengths are compared by their ratio: the way of the hand is their logarithm.
  const [min, max] = [way(spec, spec.min), way(spec, spec.max)];
  const step = spec.curve === "exponential" ? "any" : String(spec.step);
  Object.assign(input, { type: "range", min: String(min), max: String(max), step, value: String(way(spec, spec.default)) });
  return input;
}

/** @param {import("./mirror.js").Spec} spec @param {number} value @returns {number} where a slider stands for it */
function way(spec, value) {
  return spec.curve === "exponential" ? Math.log(value) : value;
}

/** @param {import("./mirror.js").Spec} spec @param {number} place of a slider @returns {number} the value there */
function meant(spec, place) {
  const value = spec.curve === "exponential" ? Math.exp(place) : place;
  return spec.whole ? Math.round(value) : value;
}

/** @param {import("./mirror.js").Spec} spec @param {number} value */
function said(spec, value) {
  if (spec.choices.length) return "";
  const number = spec.whole ? String(value) : value.toFixed(2);
  return spec.unit && !["semitones", "octaves"].includes(spec.unit) ? `${number} ${spec.unit}` : number;
}
