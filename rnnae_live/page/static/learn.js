/**
 * MIDI learn: touch a control of the page, then move one of the controller; what is learned is told by the instrument.
 *
 * mirror -> [learn] -> link
 *
 * Where the instrument does not tell anything of learning, the button says so.
 */

export class Learn {
  /**
   * @param {HTMLElement} button
   * @param {HTMLElement} map where the map is named that a preset has brought
   * @param {import("./link.js").Link} link
   * @param {import("./notices.js").Notices} notices
   */
  constructor(button, map, link, notices) {
    this.button = button;
    this.map = map;
    this.link = link;
    this.notices = notices;
    this.there = false;
    this.active = false;
    /** @type {string | null | undefined} why the last control cannot be learned */
    this.refused = null;
    button.addEventListener("click", () => this.toggle());
    // Before the control itself is moved or pressed by the same touch.
    for (const kind of ["pointerdown", "mousedown", "click"]) {
      document.addEventListener(kind, (event) => this.pick(/** @type {MouseEvent} */ (event)), { capture: true });
    }
  }

  toggle() {
    if (!this.there) {
      this.notices.say("There is no controller to learn from: start with --control NAME, or use rnnae-live learn.");
      return;
    }
    this.set(!this.active);
    if (this.active) this.notices.say("Touch a control here, then move one of your controller.");
    else this.link.send({ learn: null });
  }

  /** @param {boolean} active */
  set(active) {
    this.active = active;
    this.button.setAttribute("aria-pressed", String(active));
    document.body.classList.toggle("learning", active);
  }

  /** @param {MouseEvent} event */
  pick(event) {
    if (!this.active) return;
    const control = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-name]"));
    if (!control) return;
    if (event.type === "click") this.link.send({ learn: control.dataset.name });
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    const learn = mirror.tree.learn;
    this.there = learn !== undefined;
    this.button.classList.toggle("idle", !this.there);
    if (!this.there && this.active) this.set(false);
    this.map.hidden = !learn?.map;
    this.map.textContent = learn?.map ? `Controls: ${learn.map}` : "";
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-name]"))) {
      one.classList.toggle("armed", this.there && learn.armed === one.dataset.name);
    }
    if (learn?.refused && learn.refused !== this.refused) this.notices.say(learn.refused);
    this.refused = learn?.refused;
  }
}
