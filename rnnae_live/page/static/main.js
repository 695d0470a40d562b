/**
 * The page: what the instrument shows goes to the panel, what hands do goes to the instrument.
 *
 * link -> mirror -> [main] -> parts, transport, stage, faders, pad, map, browser, shape, timing, notices -> link
 */

import { Browser } from "./browser.js";
import { Faders } from "./faders.js";
import { letOut, takeDrops } from "./files.js";
import { Imports } from "./imports.js";
import { Keyboard } from "./keyboard.js";
import { Learn } from "./learn.js";
import { Link } from "./link.js";
import { StateMap } from "./map.js";
import { Mirror } from "./mirror.js";
import { Notices } from "./notices.js";
import { Pad } from "./pad.js";
import { Parts } from "./parts.js";
import { Shape } from "./shape.js";
import { Speaker } from "./speaker.js";
import { Stage } from "./stage.js";
import { render } from "./synth.js";
import { Tabs } from "./tabs.js";
import { Timing } from "./timing.js";
import { TransportBar } from "./transport.js";

/** Seconds between two pictures: as often as the engine tells. */
const FRAME = 1 / 31;

/** @param {string} id @returns {any} */
const named = (id) => document.getElementById(id);

const mirror = new Mirror();
const notices = new Notices(named("notice-text"), named("log"), named("notice"));
const link = new Link(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, { message: take, status });
const speaker = new Speaker(mirror, link);
const turn = (/** @type {string} */ name, /** @type {number} */ value) => link.turn(name, value);
const put = (/** @type {string} */ name, /** @type {number} */ slot) => link.do({ preset: name, slot });

const stage = new Stage(
  { in: named("roll-in"), out: named("roll-out"), inTold: named("in-told"), outTold: named("out-told") },
  mirror,
);
const tabs = new Tabs(document.querySelector("[role=tablist]"));
const faders = new Faders(named("faders"), { turn, choose });
const pad = new Pad(named("pane-pad"), turn);
const map = new StateMap(named("pane-map"), (weights) => link.mix(weights));
const browser = new Browser(named("pane-presets"), put);
const shape = new Shape(named("pane-shape"), turn);
const timing = new Timing(named("pane-timing"), named("late"));
const transport = new TransportBar(link);
const learn = new Learn(named("learn"), named("controls"), link, notices);
const imports = new Imports(named("import"), {
  say: (text) => notices.say(text),
  slot: () => browser.slot,
  part: () => mirror.number,
  put,
});
const keyboard = new Keyboard(named("keys"), (pitch, velocity) => {
  speaker.played(pitch, velocity);
  link.note(pitch, velocity);
});
const parts = new Parts(named("parts"), aim);

takeDrops(named("drop"), { put, bring: (file, slot) => imports.bring(file, slot) });
for (const id of ["answer-file", "session-file"]) letOut(named(id));

/** @param {Record<string, any>} message */
function take(message) {
  if (message.state) mirror.take(message.state);
  if (message.presets) mirror.stock(message.presets);
  if (message.specs) mirror.know(message.specs);
  if (message.notice) notices.say(message.notice);
  if (message.refused) notices.say(message.refused);
}

/** @param {boolean} open */
function status(open) {
  document.body.dataset.link = open ? "open" : "lost";
  named("link").textContent = open ? "Live" : "Reconnecting";
  if (open) mirror.forget();
  else keyboard.release();
}

/** @param {number} number of the part that the page shows and plays from now on */
function aim(number) {
  for (const one of [keyboard, faders, pad.plane, map.plane, shape]) one.release();
  stage.clear();
  link.aim(number);
  mirror.number = number;
  mirror.changed = true;
  const several = parts.tabs.length > 1;
  named("answer-file").href = several ? `answer.mid?part=${number}` : "answer.mid";
  document.title = several ? `Part ${number + 1} · RNN-AE Live` : "RNN-AE Live";
}

/** @param {number} slot whose preset is to be chosen */
function choose(slot) {
  browser.aim(slot);
  tabs.open("tab-presets");
  browser.search.focus({ preventScroll: true });
}

function panic() {
  if (!link.press("silence everything")) notices.say("The instrument is not connected: only the sound of this page was silenced.");
  speaker.silence();
  keyboard.release();
  named("panic").classList.remove("done");
  void named("panic").offsetWidth;
  named("panic").classList.add("done");
}

addEventListener("resize", () => (mirror.changed = true));

/** Everything that has changed. */
function show() {
  parts.show(mirror);
  const { part, tree } = mirror;
  for (const one of [transport, faders, pad, map, browser, shape, learn]) one.show(mirror);
  stage.show();
  if (!part) return;
  named("freeze").setAttribute("aria-pressed", String(part.values.freeze > 0));
  named("hold").setAttribute("aria-pressed", String(Boolean(part.hold)));
  named("answer").classList.toggle("ready", Boolean(part.listening));
  const ports = tree.ports ?? {};
  named("ports").textContent = ports.told ?? "";
}

/** Seconds for which something may still move after the last change. */
const LIVELY = 0.7;
let drawn = 0;
let lively = 0;

for (const kind of ["pointerdown", "pointermove", "keydown", "click", "resize"]) {
  addEventListener(kind, () => (lively = performance.now()), { capture: true, passive: true });
}

/** @param {number} time */
function frame(time) {
  requestAnimationFrame(frame);
  if (time - drawn < FRAME * 1000 - 4) return;
  drawn = time;
  if (mirror.changed) {
    mirror.changed = false;
    lively = time;
    show();
  }
  // Nothing moves, nothing is drawn: this computer may have music to make.
  if (time - lively > LIVELY * 1000) return;
  const now = link.time();
  const tick = mirror.tick(now);
  transport.draw(tick, mirror);
  if (parts.draw(tick, mirror)) lively = time;
  if (stage.draw(tick, now)) lively = time;
  faders.glow(stage.levels);
  pad.draw();
  map.draw();
  if (!named("pane-timing").hidden) timing.draw();
}

const presses = { answer: "answer now", capture: "capture the last phrase as a preset", undo: "back to the mix before the last change" };
for (const [id, what] of Object.entries(presses)) named(id).addEventListener("click", () => link.press(what));
named("freeze").addEventListener("click", () => link.press("freeze what sounds, or let it go"));
named("hold").addEventListener("click", () =>
  link.press(mirror.part?.hold ? "let a rest end the phrase again" : "keep the phrase open through rests"),
);
named("panic").addEventListener("click", panic);
named("sound").addEventListener("click", async () => {
  const on = await speaker.toggle();
  named("sound").setAttribute("aria-pressed", String(on));
  notices.say(on ? "This page plays what the instrument plays." : "This page is silent; the MIDI port plays on.");
});
named("show-keys").addEventListener("click", () => {
  const keys = named("keys");
  keys.hidden = !keys.hidden;
  named("show-keys").setAttribute("aria-pressed", String(!keys.hidden));
});

addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    panic();
    for (const one of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) one.close();
    return;
  }
  const at = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || at.closest("input:not([type=range]), select, dialog[open]")) return;
  if (event.key === " " && !at.closest("button, a")) {
    link.press("answer now");
    event.preventDefault();
  } else if (event.key === "/") {
    choose(browser.slot);
    event.preventDefault();
  } else if (parts.typed(event) || keyboard.typed(event)) {
    event.preventDefault();
  }
});
addEventListener("keyup", (event) => keyboard.typed(event));
setInterval(() => timing.show(mirror, link), 500);
requestAnimationFrame(frame);

/** For whoever tests the page. */
Object.assign(window, { rnnae: { mirror, link, stage, speaker, render } });
