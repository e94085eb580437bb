// The one queue in front of a SourceBuffer: nothing else appends or removes. One operation at a time, in the order they were asked for.
//
// A full buffer is a normal path: what may go is evicted and the append tried once more; if it is still full, the caller waits until playing
// has moved on.

/**
 * @typedef {import('./timeline.js').Range} Range
 * @typedef {{ evictable: () => Range[], onFull: () => void }} Room `evictable` is asked when the buffer is full, `onFull` told
 */

export class AppendQueue {
  /** @param {SourceBuffer} buffer @param {Room} room */
  constructor(buffer, room) {
    this.buffer = buffer
    this.room = room
    this.closed = new AbortController()
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve()
  }

  /**
   * @param {BufferSource} bytes
   * @returns {Promise<'appended'|'full'>}
   * @throws {Error} when the browser cannot use them, or the queue was closed
   */
  append(bytes) {
    return this.#after(() => this.#append(bytes))
  }

  /** @param {Range} range @returns {Promise<void>} */
  remove({ from, until }) {
    return this.#after(() => this.#operate(() => this.buffer.remove(from, until)))
  }

  /** Fails what waits and what runs. The SourceBuffer is the caller's to take away. */
  close() {
    this.closed.abort(new DOMException('the queue was closed', 'AbortError'))
  }

  /** @template T @param {() => Promise<T>} act @returns {Promise<T>} */
  #after(act) {
    const done = this.last.then(() => {
      this.closed.signal.throwIfAborted()
      return act()
    })
    this.last = done.catch(() => {})
    return done
  }

  /** @param {BufferSource} bytes @returns {Promise<'appended'|'full'>} */
  async #append(bytes) {
    if (await this.#fits(bytes)) return 'appended'
    this.room.onFull()
    for (const { from, until } of this.room.evictable()) await this.#operate(() => this.buffer.remove(from, until))
    return (await this.#fits(bytes)) ? 'appended' : 'full'
  }

  /** @param {BufferSource} bytes */
  async #fits(bytes) {
    try {
      await this.#operate(() => this.buffer.appendBuffer(bytes))
      return true
    } catch (error) {
      if (error instanceof Error && error.name === 'QuotaExceededError') return false
      throw error
    }
  }

  /** Runs until `updateend`, which follows `error` and `abort` too. @param {() => void} start @returns {Promise<void>} */
  #operate(start) {
    const { buffer } = this
    const { signal } = this.closed
    return new Promise((resolve, reject) => {
      /** @type {Error|null} */
      let failed = null
      const fail = (/** @type {Event} */ event) => {
        failed = new Error(`SourceBuffer: ${event.type}`)
      }
      const stop = (/** @type {() => void} */ settle) => {
        buffer.removeEventListener('error', fail)
        buffer.removeEventListener('abort', fail)
        buffer.removeEventListener('updateend', end)
        signal.removeEventListener('abort', close)
        settle()
      }
      const end = () => stop(() => (failed ? reject(failed) : resolve()))
      const close = () => stop(() => reject(signal.reason))
      buffer.addEventListener('error', fail)
      buffer.addEventListener('abort', fail)
      buffer.addEventListener('updateend', end)
      signal.addEventListener('abort', close)
      try {
        start()
      } catch (error) {
        stop(() => reject(error))
      }
    })
  }
}
