// What this device has seen of each home: its first entry's hash and the highest entry. A pin is only ever raised.

import { equal } from './bytes.js'
import { ChainRefused } from './errors.js'

/**
 * @typedef {import('./chain.js').Pin} Pin
 * @typedef {object} Pins
 * @property {(home: string) => Promise<Pin|null>} get
 * @property {(home: string, pin: Pin) => Promise<void>} raise refuses a fork; leaves a higher pin as it is
 */

/**
 * What to keep of an old and a new pin of the same home.
 * @param {Pin|null} old @param {Pin} pin
 * @returns {Pin}
 * @throws {ChainRefused}
 */
export function higherPin(old, pin) {
  if (!old) return pin
  if (!equal(old.genesis, pin.genesis)) throw new ChainRefused('foreign_genesis')
  if (old.seq === pin.seq && !equal(old.hash, pin.hash)) throw new ChainRefused('fork', `entry ${pin.seq}`)
  return old.seq > pin.seq ? old : pin
}

/** @returns {Pins} for a shared computer: gone with the page */
export function memoryPins() {
  /** @type {Map<string, Pin>} */
  const pins = new Map()
  return {
    get: async (home) => pins.get(home) ?? null,
    raise: async (home, pin) => void pins.set(home, higherPin(pins.get(home) ?? null, pin)),
  }
}
