/**
 * A plane that a finger moves on: a picture to draw, and two sliders for hands that use keys or a screen reader.
 *
 * [plane] -> pad, map
 *
 * Units: x and y are 0 to 1, y upwards.
 */

const HELD = 0.4;
const STEP = 1 / 7;

export class Plane {
  /**
   * @param {HTMLElement} element to fill
   * @param {string} label of the whole
   * @param {[string, string]} axes what goes across and what goes up
   * @param {(x: number, y: number) => void} moved
   */
  constructor(element, label, axes, moved) {
    this.moved = moved;
    this.x = 0;
    this.y = 0;
    this.touched = -Infinity;
    this.holding = false;
    /** Of the pointer that holds it. */
    this.finger = -1;
    this.element = document.createElement("div");
    this.element.className = "plane";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.sliders = axes.map((axis) => {
      const slider = document.createElement("input");
      Object.assign(slider, { type: "range", min: "0", max: "1", step: "any", className: "unseen" });
      slider.setAttribute("aria-label", axis);
      slider.addEventListener("input", () => this.move(Number(this.sliders[0].value), Number(this.sliders[1].value)));
      slider.addEventListener("keydown", (event) => this.key(event));
      return slider;
    });
    this.element.append(this.canvas, ...this.sliders);
    element.append(this.element);
    this.handle();
  }

  handle() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture((this.finger = event.pointerId));
      this.holding = true;
      this.drag(event);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.drag(event);
    });
    canvas.addEventListener("lostpointercapture", () => (this.holding = false));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const box = this.canvas.getBoundingClientRect();
    const inset = this.inset();
    this.move(
      (event.clientX - box.left - inset) / (box.width - 2 * inset),
      1 - (event.clientY - box.top - inset) / (box.height - 2 * inset),
    );
  }

  /** @returns {number} pixels between the edge and 0 or 1 */
  inset() {
    return 22;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = event.shiftKey ? STEP / 7 : STEP;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    this.move(this.x + by[0], this.y + by[1]);
    event.preventDefault();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  move(x, y) {
    this.touched = performance.now() / 1000;
    this.put(Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y)));
    this.moved(this.x, this.y);
  }

  /** Take the hand off. */
  release() {
    this.touched = -Infinity;
    this.holding = false;
    if (this.canvas.hasPointerCapture(this.finger)) this.canvas.releasePointerCapture(this.finger);
  }

  /** @returns {boolean} whether a hand is on it, or has just been */
  get busy() {
    return this.holding || performance.now() / 1000 - this.touched < HELD;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  put(x, y) {
    this.x = x;
    this.y = y;
    [x, y].forEach((value, index) => {
      this.sliders[index].value = String(value);
      this.sliders[index].setAttribute("aria-valuetext", `${Math.round(value * 100)} percent`);
    });
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {{pen: CanvasRenderingContext2D, width: number, height: number} | null} a clean sheet in pixels of the page,
 *   null while the canvas is not seen
 */
export function sheet(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const pen = canvas.getContext("2d");
  if (!width || !height || !pen) return null;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} room in pixels
 * @returns {string} the text, shortened where it is too wide
 */
export function fitted(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > room) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}
