/**
 * MIDI files: dropped on the page they become presets; the last answer and the session are dragged out of it.
 *
 * [files] -> imports
 */

import { DRAGGED } from "./browser.js";

/**
 * @param {HTMLElement} veil shown while a file is over the page
 * @param {{send: (message: Record<string, any>) => boolean, put: (name: string, slot: number) => void, bring: (file: File, slot: number) => Promise<void>}} doing
 */
export function takeDrops(veil, doing) {
  let inside = 0;
  const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  const clear = () => {
    inside = 0;
    veil.hidden = true;
    for (const one of document.querySelectorAll(".aimed")) one.classList.remove("aimed");
  };
  document.addEventListener("dragenter", (event) => {
    inside += 1;
    if (files(event)) veil.hidden = false;
  });
  document.addEventListener("dragleave", () => {
    inside -= 1;
    if (inside <= 0) clear();
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    for (const one of document.querySelectorAll(".aimed")) one.classList.remove("aimed");
    fader(event)?.classList.add("aimed");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    const slot = Number(fader(event)?.dataset.slot ?? 0);
    const preset = event.dataTransfer?.getData(DRAGGED);
    const dropped = [...(event.dataTransfer?.files ?? [])];
    clear();
    if (preset && slot) doing.put(preset, slot);
    for (const [index, file] of dropped.entries()) await doing.bring(file, slot ? slot + index : 0);
  });
}

/**
 * @param {DragEvent} event
 * @returns {HTMLElement | null} the fader of a slot that is under the pointer
 */
function fader(event) {
  const under = document.elementsFromPoint(event.clientX, event.clientY);
  return /** @type {HTMLElement | null} */ (under.map((one) => one.closest("[data-slot]")).find(Boolean) ?? null);
}

/** @param {HTMLAnchorElement} link that can be dragged to a folder or another program */
export function letOut(link) {
  link.addEventListener("dragstart", (event) => {
    event.dataTransfer?.setData("DownloadURL", `audio/midi:${link.download}:${link.href}`);
  });
}
