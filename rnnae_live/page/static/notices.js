/**
 * Notices: the last sentence of the instrument in the line at the bottom, all of them in the log.
 *
 * link, files -> [notices] -> eyes
 */

const MOST = 200;

export class Notices {
  /**
   * @param {HTMLElement} line
   * @param {HTMLDialogElement} log
   * @param {HTMLElement} opener
   */
  constructor(line, log, opener) {
    this.line = line;
    this.log = log;
    this.list = /** @type {HTMLElement} */ (log.querySelector("ol"));
    // Not modal: the panic button stays in reach.
    opener.addEventListener("click", () => (log.open ? log.close() : log.show()));
  }

  /** @param {string} text */
  say(text) {
    this.line.textContent = text;
    this.line.classList.remove("new");
    void this.line.offsetWidth;
    this.line.classList.add("new");
    const entry = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = new Date().toLocaleTimeString();
    entry.append(time, text);
    this.list.prepend(entry);
    while (this.list.children.length > MOST) this.list.lastElementChild?.remove();
  }
}
