/**
 * The line to the front: a WebSocket that comes back by itself, the server's clock, and the wishes of the performer.
 *
 * front -> [link] -> mirror; faders, pad, keyboard -> [link] -> front
 *
 * Of a control that moves faster than the line is used, the newest value counts.
 * Units: seconds.
 */

/** Between two sendings of values. */
const TURNS = 0.025;

/** Between two questions about the server's clock, and the silence after which the line counts as dead. */
const PING = 1.0;
const DEAD = 4.0;

/** Waits before the next try; the last one is repeated. */
const AGAIN = [0.2, 0.5, 1, 2];

/** How many round trips the clock is taken from: the shortest of them. */
const TRIPS = 8;

const now = () => performance.now() / 1000;

export class Link {
  /**
   * @param {string} address of the socket
   * @param {{message: (message: Record<string, any>) => void, status: (open: boolean) => void}} listeners
   */
  constructor(address, listeners) {
    this.address = address;
    this.listeners = listeners;
    this.open = false;
    /** @type {number | null} what has to be added to this page's seconds for the server's */
    this.offset = null;
    /** Of the shortest round trip. */
    this.trip = NaN;
    /** @type {[number, number][]} */
    this.trips = [];
    this.tries = 0;
    this.heard = now();
    /** @type {Map<string, Record<string, any>>} */
    this.waiting = new Map();
    this.flushing = 0;
    /** The part that wishes are for, from 0 on. */
    this.part = 0;
    this.connect();
    setInterval(() => this.beat(), PING * 1000);
  }

  connect() {
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.heard = now();
    socket.onopen = () => {
      this.tries = 0;
      this.trips = [];
      this.opened(true);
      this.ping();
    };
    socket.onmessage = (event) => {
      this.heard = now();
      if (socket === this.socket) this.take(JSON.parse(event.data));
    };
    socket.onclose = () => socket === this.socket && this.lost();
  }

  /** @param {boolean} open */
  opened(open) {
    this.open = open;
    this.waiting.clear();
    this.listeners.status(open);
  }

  lost() {
    this.opened(false);
    const wait = AGAIN[Math.min(this.tries++, AGAIN.length - 1)];
    setTimeout(() => this.connect(), wait * 1000);
  }

  beat() {
    if (now() - this.heard > DEAD && this.socket && this.socket.readyState < WebSocket.CLOSING) {
      const dead = this.socket;
      this.socket = undefined;
      dead.close();
      this.lost();
    } else {
      this.ping();
    }
  }

  ping() {
    this.send({ ping: now() });
  }

  /** @param {Record<string, any>} message */
  take(message) {
    if (!message.clock) return this.listeners.message(message);
    const { server, ping: echo } = message.clock;
    const back = now();
    this.trips.push([back - echo, server - (back + echo) / 2]);
    this.trips = this.trips.slice(-TRIPS);
    [this.trip, this.offset] = this.trips.reduce((one, other) => (other[0] < one[0] ? other : one));
  }

  /** @returns {number | null} the server's time, null before it is known */
  time() {
    return this.offset === null ? null : now() + this.offset;
  }

  /**
   * @param {Record<string, any>} message
   * @returns {boolean} whether there was a line to send it on
   */
  send(message) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** @param {number} part that all wishes are for from now on; those that wait are for the one before */
  aim(part) {
    this.flush();
    this.part = part;
  }

  /** @param {Record<string, any>} wish done at once, after the values that wait */
  do(wish) {
    this.flush();
    return this.send({ do: { part: this.part, ...wish } });
  }

  /** @param {string} what one of the instrument's actions */
  press(what) {
    return this.do({ press: what });
  }

  /**
   * @param {number} pitch
   * @param {number} velocity 0 when the key comes up
   */
  note(pitch, velocity) {
    return this.do({ note: [velocity ? 1 : 0, pitch, velocity] });
  }

  /**
   * @param {string} name of a parameter
   * @param {number} value
   */
  turn(name, value) {
    this.later(name, { do: { turn: name, value, part: this.part } });
  }

  /** @param {Record<string, number>} weights of presets by their names, for a mix of all that are named */
  mix(weights) {
    this.later("the mix", { do: { mix: weights, part: this.part } });
  }

  /**
   * @param {string} key of which only the newest message counts
   * @param {Record<string, any>} message
   */
  later(key, message) {
    this.waiting.set(key, message);
    if (!this.flushing) {
      this.flushing = setTimeout(() => this.flush(), TURNS * 1000);
    }
  }

  flush() {
    clearTimeout(this.flushing);
    this.flushing = 0;
    for (const message of this.waiting.values()) this.send(message);
    this.waiting.clear();
  }
}
