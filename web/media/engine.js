// One MediaSource on one <video>: a feeder per track, the duration, and the end of the stream. A player may need several engines one after
// another (without sound, when the sound is lost); each is ended as a whole.

import { Feeder } from './feeder.js'
import { readInit } from './mp4/init.js'
import { canPlay, isStreaming, mimeOf, openSource } from './source.js'

/**
 * @typedef {import('../crypto/bytes.js').Bytes} Bytes
 * @typedef {import('./timeline.js').TrackTimes} TrackTimes
 * @typedef {'video'|'audio'} TrackKind
 * @typedef {{ kind: TrackKind, init: Bytes, times: TrackTimes, fetcher: import('./fetcher.js').SegmentFetcher }} Track
 * @typedef {object} EngineOptions
 * @property {HTMLVideoElement} element
 * @property {Track[]} tracks video first
 * @property {number} start_s @property {number} duration_s
 * @property {AbortSignal} signal ends it
 * @property {(kind: TrackKind, number: number, error: unknown) => Promise<void>} onLost
 * @property {() => void} onChange
 * @property {() => boolean} isComplete nothing more will come
 */

/** The browser has no decoder for the track. */
export class NotPlayable extends Error {
  /** @param {TrackKind} kind @param {string} mime */
  constructor(kind, mime) {
    super(kind === 'video' ? 'This browser cannot play this camera’s video. Another browser may, or download it.' : 'This browser cannot play this camera’s sound.')
    this.name = 'NotPlayable'
    this.kind = kind
    this.mime = mime
  }
}

export class Engine {
  /**
   * @param {EngineOptions} options
   * @returns {Promise<Engine>} with its init segments on their way; `run` does the rest
   * @throws {NotPlayable}
   */
  static async open(options) {
    const infos = options.tracks.map(({ kind, init }) => ({ kind, init, info: readInit(init) }))
    for (const { kind, info } of infos) {
      if (!canPlay(mimeOf(kind, info.codec))) throw new NotPlayable(kind, mimeOf(kind, info.codec))
    }
    const source = await openSource(options.element, options.signal)
    source.duration = options.duration_s
    options.element.currentTime = options.start_s
    const engine = new Engine(options, source)
    for (const { kind, info } of infos) engine.#add(kind, info)
    engine.inits = infos.map(({ init }, i) => engine.feeders[i].queue.append(init))
    return engine
  }

  /** @param {EngineOptions} options @param {import('./source.js').AnySource} source open */
  constructor(options, source) {
    this.options = options
    this.source = source
    /** @type {Feeder[]} */
    this.feeders = []
    /** @type {Promise<unknown>[]} the queues hold them before all else: segments are fetched meanwhile */
    this.inits = []
    source.addEventListener('startstreaming', () => this.poke())
  }

  /** @returns {Promise<unknown>} until the signal is aborted; rejected for what cannot be gone on with */
  run() {
    return Promise.all([...this.inits, ...this.feeders.map((feeder) => feeder.run())])
  }

  /** Seconds that one picture lasts, 0 while unknown. */
  get frame() {
    return this.feeders[0]?.frame ?? 0
  }

  /** The playhead moved, or more came. */
  poke() {
    for (const feeder of this.feeders) feeder.poke()
  }

  /** @param {TrackKind} kind @param {import('./mp4/init.js').InitInfo} info */
  #add(kind, info) {
    const { element, tracks, signal, onLost } = this.options
    const buffer = this.source.addSourceBuffer(mimeOf(kind, info.codec))
    const { times, fetcher } = /** @type {Track} */ (tracks.find((track) => track.kind === kind))
    const feeder = new Feeder({
      fetcher,
      init: info,
      buffer,
      times,
      signal,
      now: () => element.currentTime,
      streaming: () => isStreaming(this.source),
      onLost: (number, error) => onLost(kind, number, error),
      onChange: () => this.#changed(),
    })
    this.feeders.push(feeder)
  }

  #changed() {
    const { source } = this
    const idle = [...source.sourceBuffers].every(({ updating }) => !updating)
    const all = this.options.isComplete() && this.feeders.every(({ finished }) => finished)
    if (all && idle && source.readyState === 'open') source.endOfStream()
    this.options.onChange()
  }
}
