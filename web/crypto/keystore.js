// Where this browser keeps keys and pins: IndexedDB holds keys that cannot be read back, per account. On a shared computer, and where the
// browser refuses a store, they live in memory and end with the page.
//
// No keys for a signed-in account is a state of the app ("locked"), not a fault: browsers may empty the store.

import { Store } from './idb.js'
import { higherPin, memoryPins } from './pins.js'
import { sameKeys } from './wrapped-keys.js'

/**
 * @typedef {import('./wrapped-keys.js').AccountKeys} AccountKeys
 * @typedef {import('./pins.js').Pins} Pins
 */

export class Keystore {
  /**
   * @param {{ shared: boolean, name?: string }} options `shared`: nothing stays on this computer
   * @returns {Promise<Keystore>}
   */
  static async open({ shared, name = 'keepsight' }) {
    if (shared) return new Keystore(null)
    return new Keystore(await Store.open(name, ['keys', 'pins']).catch(() => null))
  }

  /** @param {Store|null} store null: memory only */
  constructor(store) {
    this.store = store
    /** @type {Map<string, AccountKeys>} */
    this.held = new Map()
    /** @type {Map<string, Pins>} */
    this.heldPins = new Map()
  }

  /** Whether keys outlive the page. */
  get lasting() {
    return this.store !== null
  }

  /**
   * Keys that were here and are other ones become the new ones' `previous`, and stand in the homes named until each has the new ones.
   * @param {AccountKeys} keys @param {string[]} [homes] not known where the keys were replaced elsewhere
   */
  async save(keys, homes) {
    const before = await this.load(keys.account)
    const older = before ? [before, ...(before.previous ?? [])] : []
    keys.previous = older.filter((one) => !sameKeys(one, keys)).map(({ previous, standing, ...one }) => one)
    const named = before && !sameKeys(before, keys) ? homes : []
    const still = before?.previous?.length ? before.standing : []
    keys.standing = named && still && [...new Set([...named, ...still])]
    await this.put(keys)
  }

  /**
   * Lets go of the keys from before once every home that they stood in has the present ones. Those homes are named on this device: a list
   * of homes that is short, or empty, is no reason to drop what nobody else has.
   * @param {AccountKeys} keys @param {(home: string) => boolean} has
   */
  async settle(keys, has) {
    if (!keys.previous?.length || !keys.standing?.length || !keys.standing.every(has)) return
    keys.previous = []
    keys.standing = []
    await this.put(keys)
  }

  /** @param {AccountKeys} keys */
  async put(keys) {
    if (this.store) await this.store.put('keys', keys.account, keys)
    else this.held.set(keys.account, keys)
  }

  /** @param {string} account @returns {Promise<AccountKeys|null>} null: locked */
  async load(account) {
    if (!this.store) return this.held.get(account) ?? null
    return /** @type {AccountKeys|undefined} */ (await this.store.get('keys', account)) ?? null
  }

  /** At sign-out. Pins stay: they are hashes, and they are what catches a rollback at the next sign-in. @param {string} account */
  async wipe(account) {
    this.held.delete(account)
    await this.store?.remove('keys', account)
  }

  /** Everything of everybody, pins too. */
  async wipeAll() {
    this.held.clear()
    this.heldPins.clear()
    await this.store?.clear()
  }

  /** @param {string} account what this account has seen of its homes @returns {Pins} */
  pins(account) {
    const { store } = this
    if (!store) return this.memoryPinsOf(account)
    /** @param {string} home */
    const at = (home) => `${account}/${home}`
    return {
      get: async (home) => /** @type {import('./chain.js').Pin|undefined} */ (await store.get('pins', at(home))) ?? null,
      raise: (home, pin) => store.update('pins', at(home), (old) => higherPin(old ?? null, pin)),
    }
  }

  close() {
    this.store?.close()
  }

  /** @param {string} account */
  memoryPinsOf(account) {
    const pins = this.heldPins.get(account) ?? memoryPins()
    this.heldPins.set(account, pins)
    return pins
  }
}
