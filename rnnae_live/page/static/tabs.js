/**
 * Tabs: one of several panes is seen.
 */

export class Tabs {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.tabs = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]")]);
    /** @type {(name: string) => void} */
    this.changed = () => {};
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => this.open(tab.id));
      tab.addEventListener("keydown", (event) => this.step(event, tab));
    }
  }

  /** @param {KeyboardEvent} event @param {HTMLElement} tab */
  step(event, tab) {
    const here = this.tabs.indexOf(tab);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: this.tabs.length - 1 }[event.key];
    if (to === undefined) return;
    const next = this.tabs[(to + this.tabs.length) % this.tabs.length];
    this.open(next.id);
    next.focus();
    event.preventDefault();
  }

  /** @param {string} id of a tab */
  open(id) {
    for (const tab of this.tabs) {
      const chosen = tab.id === id;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      const pane = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (pane) pane.hidden = !chosen;
    }
    this.changed(id);
  }
}
