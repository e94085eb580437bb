// Fetches and opens one track's segments, a few ahead. A way that is down is tried again; what is refused or damaged is the caller's to judge.

import { patiently } from './patience.js'
import { linked } from './signals.js'

/**
 * @typedef {import('../crypto/bytes.js').Bytes} Bytes
 * @typedef {{ opened: import('./event.js').OpenedEvent, kind: 'video'|'audio', signal: AbortSignal, onTrouble: (error: unknown) => void }} FetcherOptions `onTrouble` gets null when it is over
 */

export class SegmentFetcher {
  /** @param {FetcherOptions} options */
  constructor({ opened, kind, signal, onTrouble }) {
    this.opened = opened
    this.kind = kind
    this.signal = signal
    this.onTrouble = onTrouble
    /** @type {Map<number, { bytes: Promise<Bytes>, stop: AbortController }>} */
    this.running = new Map()
  }

  /**
   * Fetches these and nothing else.
   * @param {number[]} numbers
   */
  want(numbers) {
    for (const [number, { stop }] of this.running) {
      if (numbers.includes(number)) continue
      this.running.delete(number)
      stop.abort()
    }
    for (const number of numbers) if (!this.running.has(number)) this.#start(number)
  }

  /** @param {number} number one that is wanted @returns {Promise<Bytes>} */
  get(number) {
    const one = this.running.get(number)
    return one ? one.bytes : Promise.reject(new Error(`segment ${number} is not wanted`))
  }

  /** @param {number} number it was used, or given up */
  done(number) {
    this.running.delete(number)
  }

  /** @param {number} number */
  #start(number) {
    const stop = linked(this.signal)
    const { signal } = stop
    const bytes = patiently(() => this.opened.segment(this.kind, number, { signal }), signal, this.onTrouble)
    bytes.catch(() => {}) // awaited later, or dropped
    this.running.set(number, { bytes, stop })
  }
}
