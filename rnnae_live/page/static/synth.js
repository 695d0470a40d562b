/**
 * A small synthesizer: two detuned oscillators and a soft one below, a filter that opens with the touch, and a room.
 *
 * speaker, keyboard -> [synth] -> sound
 *
 * It plays into any AudioContext, an offline one included. Units: seconds of that context, MIDI pitches and velocities.
 */

/** @typedef {{waves: [OscillatorType, OscillatorType], detune: number, low: number, attack: number, decay: number, sustain: number, release: number, bright: number, level: number, room: number}} Timbre */

/** @type {Record<string, Timbre>} */
export const TIMBRES = {
  answer: { waves: ["sawtooth", "triangle"], detune: 6, low: 0.35, attack: 0.008, decay: 0.5, sustain: 0.42, release: 0.22, bright: 5, level: 0.3, room: 0.34 },
  phrase: { waves: ["triangle", "sine"], detune: 3, low: 0.12, attack: 0.003, decay: 0.75, sustain: 0.0, release: 0.16, bright: 8, level: 0.42, room: 0.22 },
};

/** Seconds that the room rings. */
const RING = 2.2;

/** As loud as nothing, for ramps that may not reach 0. */
const SILENT = 0.0001;

/**
 * @param {BaseAudioContext} context
 * @returns {AudioBuffer} the answer of a room to a click: noise that dies away and loses its treble
 */
function room(context) {
  const frames = Math.round(RING * context.sampleRate);
  const buffer = context.createBuffer(2, frames, context.sampleRate);
  for (let side = 0; side < 2; side += 1) {
    const data = buffer.getChannelData(side);
    // Always the same dice, so that two renderings are the same.
    let dice = 22222 + side * 7919;
    let dull = 0;
    for (let frame = 0; frame < frames; frame += 1) {
      dice = (dice * 1103515245 + 12345) & 0x7fffffff;
      const away = frame / frames;
      const noise = (dice / 0x3fffffff - 1) * (1 - away) ** 3.5;
      dull += (noise - dull) * (0.75 - 0.6 * away);
      data[frame] = dull * Math.min(1, frame / (0.012 * context.sampleRate));
    }
  }
  return buffer;
}

export class Synth {
  /** @param {BaseAudioContext} context */
  constructor(context) {
    this.context = context;
    /** @type {Set<Voice>} */
    this.voices = new Set();
    this.out = context.createGain();
    this.out.gain.value = 0.8;
    const guard = context.createDynamicsCompressor();
    guard.threshold.value = -10;
    guard.ratio.value = 8;
    guard.attack.value = 0.002;
    guard.release.value = 0.15;
    this.dry = context.createGain();
    this.wet = context.createGain();
    const walls = context.createConvolver();
    walls.buffer = room(context);
    this.dry.connect(this.out);
    this.wet.connect(walls).connect(this.out);
    this.out.connect(guard).connect(context.destination);
  }

  /**
   * @param {number} pitch
   * @param {number} velocity 1 to 127
   * @param {number} at
   * @param {keyof TIMBRES} [timbre]
   * @returns {Voice} which sounds until it is released
   */
  strike(pitch, velocity, at, timbre = "answer") {
    const voice = new Voice(this, pitch, velocity, at, TIMBRES[timbre]);
    this.voices.add(voice);
    return voice;
  }

  /** End everything at once. */
  silence() {
    for (const voice of this.voices) voice.cut();
    this.voices.clear();
  }
}

export class Voice {
  /**
   * @param {Synth} synth
   * @param {number} pitch
   * @param {number} velocity
   * @param {number} at
   * @param {Timbre} timbre
   */
  constructor(synth, pitch, velocity, at, timbre) {
    const { context } = synth;
    this.synth = synth;
    this.at = at;
    this.timbre = timbre;
    /** @type {number | null} */
    this.until = null;
    const hertz = 440 * 2 ** ((pitch - 69) / 12);
    const touch = (velocity / 127) ** 1.4;
    this.gain = context.createGain();
    this.filter = context.createBiquadFilter();
    this.filter.type = "lowpass";
    this.filter.Q.value = 1.2;
    const open = Math.min(hertz * (1.5 + timbre.bright * (0.35 + 0.65 * touch)), context.sampleRate * 0.4);
    this.filter.frequency.setValueAtTime(open, at);
    this.filter.frequency.exponentialRampToValueAtTime(Math.max(hertz * 1.6, open * 0.35), at + timbre.decay);
    const peak = timbre.level * (0.25 + 0.75 * touch);
    const { gain } = this.gain;
    gain.setValueAtTime(SILENT, at);
    gain.linearRampToValueAtTime(peak, at + timbre.attack);
    gain.setTargetAtTime(Math.max(peak * timbre.sustain, SILENT), at + timbre.attack, timbre.decay / 2);
    this.waves = [
      this.wave(timbre.waves[0], hertz, timbre.detune, 0.5),
      this.wave(timbre.waves[1], hertz, -timbre.detune, 0.5),
      this.wave("sine", hertz / 2, 0, timbre.low),
    ];
    const send = context.createGain();
    send.gain.value = timbre.room;
    this.filter.connect(this.gain);
    this.gain.connect(synth.dry);
    this.gain.connect(send).connect(synth.wet);
    this.waves[0].onended = () => {
      this.gain.disconnect();
      send.disconnect();
      synth.voices.delete(this);
    };
  }

  /**
   * @param {OscillatorType} type
   * @param {number} hertz
   * @param {number} cents
   * @param {number} level
   */
  wave(type, hertz, cents, level) {
    const wave = this.synth.context.createOscillator();
    wave.type = type;
    wave.frequency.value = hertz;
    wave.detune.value = cents;
    const part = this.synth.context.createGain();
    part.gain.value = level;
    wave.connect(part).connect(this.filter);
    wave.start(this.at);
    return wave;
  }

  /** @param {number} at the key comes up; a later call before then moves it */
  release(at) {
    const until = Math.max(at, this.at + this.timbre.attack, this.synth.context.currentTime);
    if (this.until !== null && this.until <= this.synth.context.currentTime) return;
    const { gain } = this.gain;
    if (this.until !== null) gain.cancelScheduledValues(Math.min(this.until, until) - 1e-4);
    this.until = until;
    gain.setTargetAtTime(SILENT, until, this.timbre.release / 3);
    for (const wave of this.waves) wave.stop(until + this.timbre.release * 3);
  }

  /** End it now, with no more than what avoids a click; a voice that has not begun is never heard. */
  cut() {
    const now = this.synth.context.currentTime;
    this.gain.gain.cancelScheduledValues(now);
    this.gain.gain.setTargetAtTime(0, now, 0.008);
    for (const wave of this.waves) wave.stop(Math.max(now + 0.06, this.at));
  }
}

/**
 * @param {{pitch: number, velocity: number, at: number, until: number, timbre?: keyof TIMBRES}[]} notes
 * @param {number} seconds
 * @returns {Promise<AudioBuffer>} the notes as this synthesizer plays them
 */
export function render(notes, seconds) {
  const context = new OfflineAudioContext(2, Math.round(seconds * 44100), 44100);
  const synth = new Synth(context);
  for (const note of notes) synth.strike(note.pitch, note.velocity, note.at, note.timbre).release(note.until);
  return context.startRendering();
}
