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
   * @param {import("./link.js").Link} link
   * @param {import("./notices.js").Notices} notices
   */
  constructor(button, link, notices) {
    this.button = button;
    this.link = link;
    this.notices = notices;
    this.there = false;
    this.active = false;
    button.addEventListener("click", () => this.toggle());
    // Before the control itself is moved by the same touch.
    document.addEventListener("pointerdown", (event) => this.pick(event), { capture: true });
  }

  toggle() {
    if (!this.there) {
      this.notices.say("Learning is done in a terminal: rnnae-live learn.");
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

  /** @param {PointerEvent} event */
  pick(event) {
    if (!this.active) return;
    const control = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-name]"));
    if (!control) return;
    for (const one of document.querySelectorAll(".armed")) one.classList.remove("armed");
    control.classList.add("armed");
    this.link.send({ learn: control.dataset.name });
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {import("./mirror.js").Mirror} mirror */
  show(mirror) {
    const learn = mirror.tree.learn;
    this.there = learn !== undefined;
    this.button.classList.toggle("idle", !this.there);
    if (this.active && learn && learn.armed === null && document.querySelector(".armed")) {
      for (const one of document.querySelectorAll(".armed")) one.classList.remove("armed");
    }
  }
}
