/**
 * Imports: a MIDI file goes to the server, and what it made of it is shown: the melody, whether it comes back exactly,
 * from which track it is, and into which slot it goes.
 *
 * files -> [imports] -> server
 */

import { PHRASE, SLOTS } from "./palette.js";
import { Roll } from "./rolls.js";

/** @typedef {{name: string, exact: boolean, stored: boolean, notes: [number, number, number][], length: number, bars: number, moved: number, tracks: string[], track: number, why: string, notices: string[], difference: {wrong: number, notes: number} | null, slot: number | null}} Report */

export class Imports {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {{say: (text: string) => void, slot: () => number, part: () => number, put: (name: string, slot: number) => void}} doing
   */
  constructor(dialog, doing) {
    this.dialog = dialog;
    this.doing = doing;
    /** @param {string} kind @returns {any} */
    const piece = (kind) => dialog.querySelector(`.${kind}`);
    this.pieces = { name: piece("name"), told: piece("told"), track: piece("track"), slot: piece("slot"), into: piece("into") };
    this.roll = new Roll(piece("melody"), PHRASE);
    /** @type {File | null} */
    this.file = null;
    this.name = "";
    this.pieces.track.addEventListener("change", () => this.send(Number(this.pieces.track.value), 0));
    this.pieces.into.addEventListener("click", () => this.into());
    SLOTS.forEach((_, index) => this.pieces.slot.add(new Option(`Slot ${index + 1}`, String(index + 1))));
  }

  /**
   * @param {File} file
   * @param {number} slot 0 for none
   */
  async bring(file, slot) {
    if (!/\.midi?$/i.test(file.name)) return this.doing.say(`'${file.name}' is no MIDI file: its name does not end in .mid.`);
    this.file = file;
    this.name = file.name.replace(/\.midi?$/i, "").slice(0, 190) || "dropped";
    await this.send(null, slot >= 1 && slot <= 8 ? slot : 0);
  }

  /**
   * @param {number | null} track null to let the server choose
   * @param {number} slot 0 for none
   */
  async send(track, slot) {
    if (!this.file) return;
    const query = new URLSearchParams({ name: track === null ? this.name : `${this.name} ${track + 1}` });
    if (track !== null) query.set("track", String(track));
    if (slot) query.set("slot", String(slot));
    query.set("part", String(this.doing.part()));
    this.doing.say(`Reading '${this.file.name}'.`);
    try {
      const answer = await fetch(`import?${query}`, { method: "POST", body: this.file });
      const text = await answer.text();
      const told = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : { refused: text };
      if (told.imported) this.show(told.imported);
      else this.doing.say(told.refused);
    } catch {
      this.doing.say(`'${this.file.name}' did not reach the instrument; try again when the page is connected.`);
    }
  }

  /** @param {Report} report */
  show(report) {
    const { name, told, track, slot, into } = this.pieces;
    name.textContent = report.name;
    told.textContent = sentence(report);
    const chosen = track.value;
    track.replaceChildren(...report.tracks.map((text, index) => new Option(text, String(index))));
    // One that was asked for is the only one that the report knows the place of.
    track.value = report.tracks.length > 1 && chosen && this.dialog.open ? chosen : String(Math.max(0, report.track ?? 0));
    track.disabled = report.tracks.length < 2;
    slot.value = String(report.slot ?? this.doing.slot());
    into.disabled = !report.stored;
    this.preset = report.name;
    this.roll.key = "";
    const notes = report.notes.map(([on, duration, pitch]) => ({ on, off: on + duration, pitch, velocity: 96, colour: PHRASE }));
    this.roll.put(report.name, notes, report.length);
    // Not modal: the panic button stays in reach.
    if (!this.dialog.open) this.dialog.show();
    this.roll.draw(null, false);
    this.doing.say(`'${report.name}': ${sentence(report)}`);
  }

  into() {
    this.doing.put(this.preset ?? "", Number(this.pieces.slot.value));
    this.dialog.close();
  }
}

/** @param {Report} report @returns {string} what became of the file */
function sentence(report) {
  const size = `${report.notes.length} notes in ${report.bars} bars`;
  const exact = report.exact
    ? "comes back note for note"
    : `does not come back exactly${report.difference ? `: ${report.difference.wrong} of ${report.difference.notes} notes differ` : ""}; not stored`;
  const moved = report.moved ? ` ${report.moved} notes were moved to the grid.` : "";
  return `${size}, ${exact}.${moved} ${report.notices.join(" ")}`.trim();
}
