// Keeps one track's SourceBuffer filled around the playhead: picks the first segment that is wanted and not there, fetches it and the next, and
// appends through the queue. `buffered` is believed, never a list of one's own.

import { AppendQueue } from './append-queue.js'
import { readTimes } from './mp4/times.js'
import { covers, rangesOf } from './ranges.js'

/**
 * @typedef {import('./timeline.js').TrackTimes} TrackTimes
 * @typedef {object} FeederOptions
 * @property {import('./fetcher.js').SegmentFetcher} fetcher may have begun already
 * @property {import('./mp4/init.js').InitInfo} init
 * @property {SourceBuffer} buffer
 * @property {TrackTimes} times
 * @property {() => number} now the playhead, in seconds
 * @property {() => boolean} streaming whether the browser wants data
 * @property {AbortSignal} signal
 * @property {(number: number, error: unknown) => Promise<void>} onLost one segment failed; marks it in `times` or throws to end it all
 * @property {() => void} onChange something was appended or learned
 */

const GOAL_MOST = 30
const GOAL_LEAST = 4
const KEEP_BEHIND = 30
const PARALLEL = 2

export class Feeder {
  goal = GOAL_MOST
  /** Seconds that one picture lasts, by the newest segment. */
  frame = 0
  /** @type {() => void} */
  #wake = () => {}
  /** @type {Map<number, number>} appends that did not show in `buffered` */
  #vain = new Map()

  /** @param {FeederOptions} options */
  constructor(options) {
    this.options = options
    this.fetcher = options.fetcher
    this.queue = new AppendQueue(options.buffer, { evictable: () => this.#evictable(), onFull: () => this.#shrink() })
    options.signal.addEventListener('abort', () => this.queue.close(), { once: true })
  }

  /** Looks again: the playhead moved, more segments came. */
  poke() {
    this.#wake()
  }

  /** Whether all from the playhead on is there, as far as it can be. */
  get finished() {
    return this.#wanted(Infinity).length === 0
  }

  /** @returns {Promise<void>} runs until the signal is aborted; rejected for what cannot be gone on with */
  async run() {
    const { signal } = this.options
    while (!signal.aborted) {
      const woken = new Promise((resolve) => (this.#wake = () => resolve(null)))
      const wanted = this.#wanted(this.goal).slice(0, PARALLEL)
      this.fetcher.want(wanted)
      const [number] = wanted
      const got = number === undefined ? await woken : await Promise.race([woken, this.#outcome(number)])
      if (got === null || signal.aborted || number === undefined) continue
      if ('error' in got) await this.options.onLost(number, got.error)
      const full = 'bytes' in got && !(await this.#append(number, got.bytes))
      if (full) await woken // the bytes stay with the fetcher
      else this.fetcher.done(number)
      this.options.onChange()
    }
  }

  /** @param {number} number @returns {Promise<{ bytes: import('../crypto/bytes.js').Bytes }|{ error: unknown }>} */
  #outcome(number) {
    return this.fetcher.get(number).then(
      (bytes) => ({ bytes }),
      (error) => ({ error }),
    )
  }

  /** @param {number} goal seconds ahead @returns {number[]} the good segments from the playhead on that are not there */
  #wanted(goal) {
    const { times, now, streaming } = this.options
    const at = now()
    const buffered = this.#buffered()
    const starving = !buffered.some(({ from, until }) => from <= at && at < until)
    if (!streaming() && !starving && goal !== Infinity) return []
    const ranges = times.ranges()
    const numbers = ranges.map((_, number) => number).slice(times.at(at))
    return numbers.filter((number) => times.isGood(number) && ranges[number].from < at + goal && !this.#has(buffered, ranges[number]))
  }

  /** @param {import('./timeline.js').Range[]} buffered @param {import('./timeline.js').Range} range */
  #has(buffered, range) {
    return covers(buffered, range, Math.min(0.25, (range.until - range.from) / 4))
  }

  /** @param {number} number @param {import('../crypto/bytes.js').Bytes} bytes @returns {Promise<boolean>} whether it was room enough */
  async #append(number, bytes) {
    const { times, init, onLost } = this.options
    const found = readTimes(init, bytes)
    times.learn(number, found)
    this.frame = (found.until - found.from) / Math.max(1, found.frames)
    if ((await this.queue.append(bytes)) === 'full') return false
    if (!this.#has(this.#buffered(), found)) await this.#inVain(number, onLost)
    else await this.#tidy()
    return true
  }

  /** Appended and yet not there, twice: it cannot be played. @param {number} number @param {FeederOptions['onLost']} onLost */
  async #inVain(number, onLost) {
    const times = (this.#vain.get(number) ?? 0) + 1
    this.#vain.set(number, times)
    if (times >= 2) await onLost(number, new Error(`segment ${number} does not show after being appended`))
  }

  /** Lets go of what was played long ago. */
  async #tidy() {
    const until = this.options.now() - KEEP_BEHIND
    const [first] = this.#buffered()
    if (first && first.from < until - KEEP_BEHIND) await this.queue.remove({ from: 0, until })
  }

  /** When full: what is behind, then what is far ahead. */
  #evictable() {
    const at = this.options.now()
    const behind = { from: 0, until: at - 2 }
    const ahead = { from: at + this.goal + 2, until: Infinity }
    return [behind, ahead].filter((range) => this.#buffered().some(({ from, until }) => from < range.until && until > range.from))
  }

  #shrink() {
    this.goal = Math.max(GOAL_LEAST, this.goal / 2)
  }

  #buffered() {
    return rangesOf(this.options.buffer.buffered)
  }
}
