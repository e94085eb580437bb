// What is known of an Event's parts while it plays: which there are, where they lie, which are lost. Everything that is lost is told once.

import { ApiError } from '../api/errors.js'
import { isPartLost, stateOf } from './state.js'
import { TrackTimes, isClosed, numbersOf, timelineOf } from './timeline.js'

/**
 * @typedef {import('../api/types.js').EventDetail} EventDetail
 * @typedef {import('./engine.js').TrackKind} TrackKind
 * @typedef {import('./timeline.js').PartState} PartState
 * @typedef {'part_damaged'|'part_did_not_belong'|'part_missing'|'jumped'|'sound_left_out'|'card_damaged'} NoticeKind
 * @typedef {{ kind: NoticeKind, from_s: number, until_s: number, error?: unknown }} Notice
 * @typedef {<T>(act: (signal: AbortSignal) => Promise<T>) => Promise<T>} Patiently
 * @typedef {{ opened: import('./event.js').OpenedEvent, detail: EventDetail, patiently: Patiently, onNotice: (notice: Notice) => void }} PartsOptions
 */

/** @type {Record<Exclude<PartState, 'here'>, NoticeKind>} */
const NOTICE_OF = { missing: 'part_missing', damaged: 'part_damaged', did_not_belong: 'part_did_not_belong' }

export class EventParts {
  /** @type {import('./card.js').Card|null} */
  card = null
  times = { video: new TrackTimes(), audio: new TrackTimes() }
  /** @type {Set<string>} */
  #told = new Set()

  /** @param {PartsOptions} options */
  constructor(options) {
    this.options = options
    this.detail = options.detail
    this.update(options.detail)
  }

  /** Nothing more will come. */
  get closed() {
    return isClosed(this.detail.event, Date.now())
  }

  get timeline() {
    return timelineOf(this.times.video, this.card, this.detail.event.complete)
  }

  /** The first good ones of the video, at most two. */
  get firstTwo() {
    return [0, 1].filter((number) => this.times.video.isGood(number))
  }

  get hasSound() {
    return this.has('init', 1)
  }

  /** A part of the sound that was counted is not there. */
  get lacksSound() {
    return this.closed && [...this.times.audio.states.values()].includes('missing')
  }

  /** @param {import('../api/types.js').SegmentKind} kind @param {number} number */
  has(kind, number) {
    return this.detail.segments.some((segment) => segment.kind === kind && segment.number === number)
  }

  /** @param {EventDetail} detail */
  update(detail) {
    this.detail = detail
    for (const kind of /** @type {const} */ (['video', 'audio'])) this.times[kind].update({ numbers: numbersOf(detail, kind), count: 0 })
  }

  /** @param {0|1} number video's or audio's @returns {Promise<import('../crypto/bytes.js').Bytes>} */
  init(number) {
    return this.options.patiently((signal) => this.options.opened.segment('init', number, { signal }))
  }

  /** What the card says of times. A damaged card is told; the video needs none. */
  async readCard() {
    if (this.card || !this.has('card', 0)) return
    try {
      this.card = await this.options.patiently((signal) => this.options.opened.card({ signal }))
      const estimates_ms = this.card.video.segments_ms
      this.times.video.update({ numbers: numbersOf(this.detail, 'video'), count: estimates_ms.length, estimates_ms })
      this.times.audio.update({ numbers: numbersOf(this.detail, 'audio'), count: 0, estimates_ms })
    } catch (error) {
      if (!isPartLost(error)) throw error
      this.tell('card_damaged', { from: 0, until: 0 }, error)
    }
  }

  /** What the trailer counts and is not there is missing. */
  async readTrailer() {
    if (!this.has('trailer', 0)) return
    const trailer = await this.options.patiently((signal) => this.options.opened.trailer({ signal })).catch((error) => {
      if (!isPartLost(error) && !isMissing(error)) throw error
    })
    if (!trailer) return
    const { video, audio } = this.times
    video.update({ numbers: numbersOf(this.detail, 'video'), count: trailer.counts.video })
    audio.update({ numbers: numbersOf(this.detail, 'audio'), count: trailer.counts.audio })
    video.ranges().forEach((range, number) => {
      if (video.states.get(number) === 'missing') this.tell('part_missing', range)
    })
  }

  /**
   * One segment failed. Marks it and, for video, tells.
   * @param {TrackKind} kind @param {number} number @param {unknown} error
   * @throws {unknown} what ends all of it: access that ended, or nothing of the video left
   */
  async lose(kind, number, error) {
    if (isMissing(error)) await this.#stillThere(error)
    else if (error instanceof ApiError) throw error
    const state = isMissing(error) ? 'missing' : stateOf(error) === 'did_not_belong' ? 'did_not_belong' : 'damaged'
    const times = this.times[kind]
    times.mark(number, state)
    if (kind === 'audio') return
    this.tell(NOTICE_OF[state], times.ranges()[number], error)
    if (!times.ranges().some((_, other) => times.isGood(other))) throw error
  }

  /** @param {NoticeKind} kind @param {import('./timeline.js').Range} range @param {unknown} [error] */
  tell(kind, { from, until }, error) {
    const once = `${kind} ${Math.round(from)}`
    if (this.#told.has(once) && kind !== 'jumped') return
    this.#told.add(once)
    this.options.onNotice({ kind, from_s: from, until_s: until, ...(error !== undefined && { error }) })
  }

  /** One part that is not found may be one part, or all of it: access ended. @param {unknown} error */
  async #stillThere(error) {
    const { client, home, camera, event } = this.options.opened
    await this.options.patiently((signal) => client.event(home, camera, event, { signal })).catch((ended) => {
      throw isMissing(ended) ? error : ended
    })
  }
}

/** @param {unknown} error */
export function isMissing(error) {
  return error instanceof ApiError && (error.code === 'not_found' || error.code === 'gone')
}
