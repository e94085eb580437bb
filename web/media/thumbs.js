// Thumbnails, a few at a time, in the order in which they were asked for: what has scrolled away before its turn is never fetched, and one
// that fails holds up no other.

import { BlobUrls } from './blobs.js'

/**
 * @typedef {import('./event.js').OpenedEvent} OpenedEvent
 * @typedef {{ url: string, card: import('./card.js').Card|null, release: () => void }} ThumbShown `card` is null while there is none
 * @typedef {{ opened: OpenedEvent, signal: AbortSignal, resolve: (shown: ThumbShown) => void, reject: (error: unknown) => void }} Waiting
 */

export class Thumbnails {
  /** @param {{ parallel?: number }} [options] */
  constructor({ parallel = 3 } = {}) {
    this.free = parallel
    /** @type {Waiting[]} */
    this.waiting = []
    this.urls = new BlobUrls()
  }

  /**
   * @param {OpenedEvent} opened @param {{ signal: AbortSignal }} options aborted when the tile has scrolled away
   * @returns {Promise<ThumbShown>} `release` gives the picture back
   * @throws {unknown} what fetching or opening it threw
   */
  want(opened, { signal }) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const one = { opened, signal, resolve, reject }
      this.waiting.push(one)
      signal.addEventListener('abort', () => this.#drop(one), { once: true })
      this.#next()
    })
  }

  /** Gives every picture back. Their tiles are gone. */
  end() {
    this.urls.end()
  }

  /** @param {Waiting} one */
  #drop(one) {
    const at = this.waiting.indexOf(one)
    if (at < 0) return
    this.waiting.splice(at, 1)
    one.reject(one.signal.reason)
  }

  #next() {
    const one = this.free > 0 ? this.waiting.shift() : undefined
    if (!one) return
    this.free -= 1
    this.#show(one)
      .then(one.resolve, one.reject)
      .finally(() => {
        this.free += 1
        this.#next()
      })
    this.#next()
  }

  /** @param {Waiting} one @returns {Promise<ThumbShown>} */
  async #show({ opened, signal }) {
    const [picture, card] = await Promise.all([opened.segment('thumbnail', 0, { signal }), opened.card({ signal }).catch(() => null)])
    signal.throwIfAborted()
    const url = this.urls.make(picture, 'image/jpeg')
    return { url, card, release: () => this.urls.revoke(url) }
  }
}
