// Plays one opened Event in one <video>. What it says of itself is a named state; what is lost on the way is told and stepped over; when access
// ends, playing stops and the picture is cleared.

import { ApiError } from '../api/errors.js'
import { Engine, NotPlayable } from './engine.js'
import { SegmentFetcher } from './fetcher.js'
import { patiently } from './patience.js'
import { rangesOf, stepOverHole } from './ranges.js'
import { linked } from './signals.js'
import { clearSource } from './source.js'
import { isPartLost, stateOf } from './state.js'
import { TrackTimes, numbersOf, startOf, timelineOf } from './timeline.js'

/**
 * @typedef {import('./event.js').OpenedEvent} OpenedEvent
 * @typedef {import('../api/types.js').EventDetail} EventDetail
 * @typedef {import('./state.js').Trouble|'not_playable'} Failure
 * @typedef {{ name: 'getting', part: 'card'|'start'|'video' }|{ name: 'opening' }|{ name: 'ready' }|{ name: 'waiting' }|{ name: 'over' }|{ name: Failure, error: unknown }} PlayerState
 * @typedef {'part_damaged'|'part_did_not_belong'|'part_missing'|'jumped'|'sound_left_out'|'card_damaged'} NoticeKind
 * @typedef {{ kind: NoticeKind, from_s: number, until_s: number, error?: unknown }} Notice
 * @typedef {object} PlayerOptions
 * @property {HTMLVideoElement} video
 * @property {OpenedEvent} opened
 * @property {EventDetail} detail
 * @property {AbortSignal} signal
 * @property {(state: PlayerState) => void} onState
 * @property {(notice: Notice) => void} onNotice
 * @property {(timeline: import('./timeline.js').Timeline) => void} [onTimeline]
 * @property {number} [start_s] otherwise a little before the activity
 */

/** @param {PlayerOptions} options @returns {Player} */
export function startPlayer(options) {
  const player = new Player(options)
  player.begin()
  return player
}

export class Player {
  /** @type {PlayerState} */
  state = { name: 'getting', part: 'card' }
  /** @type {Engine|null} */
  #engine = null
  /** @type {AbortController|null} of the engine */
  #engineLife = null
  /** @type {import('./card.js').Card|null} */
  #card = null
  /** @type {unknown} what is wrong with the way, while it is */
  #trouble = null
  #told = ''
  #trailerWanted = false
  /** @type {Record<import('./engine.js').TrackKind, SegmentFetcher>} they outlive an engine */
  #fetchers
  #times = { video: new TrackTimes(), audio: new TrackTimes() }

  /** @param {PlayerOptions} options */
  constructor(options) {
    this.options = options
    this.detail = options.detail
    this.life = linked(options.signal)
    this.life.signal.addEventListener('abort', () => clearSource(options.video), { once: true })
    this.#fetchers = { video: this.#fetcher('video'), audio: this.#fetcher('audio') }
    this.#listen()
  }

  get timeline() {
    return timelineOf(this.#times.video, this.#card, this.detail.event.complete)
  }

  /** @returns {Promise<boolean>} false when the browser refused, or something came between */
  play() {
    return this.options.video.play().then(() => true, () => false)
  }

  pause() {
    this.options.video.pause()
  }

  /** @param {number} seconds from the Event's first frame */
  seek(seconds) {
    const { video } = this.options
    video.currentTime = Math.max(0, Math.min(seconds, this.timeline.duration_ms / 1000))
  }

  /** One picture on or back. @param {1|-1} direction */
  step(direction) {
    this.pause()
    this.seek(this.options.video.currentTime + direction * (this.#engine?.frame || 1 / 15))
  }

  /** @param {number} times 1 is as it was */
  speed(times) {
    const { video } = this.options
    video.defaultPlaybackRate = times
    video.playbackRate = times
  }

  /** More of it has come. @param {EventDetail} detail */
  update(detail) {
    this.detail = detail
    this.#readDetail()
    this.#settle(this.#readCard().then(() => this.#readTrailer()))
    this.#engine?.poke()
  }

  /** Stops, clears the picture, forgets what was fetched. */
  end() {
    this.life.abort(new DOMException('the player was ended', 'AbortError'))
  }

  begin() {
    this.#readDetail()
    this.#settle(this.#begin())
  }

  /** @param {import('./engine.js').TrackKind} kind */
  #fetcher(kind) {
    const { signal } = this.life
    return new SegmentFetcher({ opened: this.options.opened, kind, signal, onTrouble: (error) => this.#troubled(error) })
  }

  /** Until the card says where to begin, it is most likely in one of the first two: they are fetched meanwhile. */
  #fetchEarly() {
    if (this.options.start_s === undefined && !this.options.opened.knownCard) this.#fetchers.video.want([0, 1].filter((number) => this.#times.video.isGood(number)))
  }

  async #begin() {
    this.#fetchEarly()
    const [first, second] = [this.#init(0), this.detail.segments.some(({ kind, number }) => kind === 'init' && number === 1) ? this.#init(1) : null]
    for (const getting of [first, second]) getting?.catch(() => {}) // awaited below, unless the card ends it all
    await this.#readCard()
    this.#set({ name: 'getting', part: 'start' })
    const tracks = [this.#track('video', await first)]
    const sound = await second?.catch((error) => this.#soundLost(error))
    if (sound) tracks.push(this.#track('audio', sound))
    this.#set({ name: 'getting', part: 'video' })
    await this.#run(tracks, this.options.start_s ?? startOf(this.#card))
  }

  /** @param {import('./engine.js').TrackKind} kind @param {import('../crypto/bytes.js').Bytes} init @returns {import('./engine.js').Track} */
  #track(kind, init) {
    return { kind, init, times: this.#times[kind], fetcher: this.#fetchers[kind] }
  }

  /** @param {import('./engine.js').Track[]} tracks @param {number} start_s */
  async #run(tracks, start_s) {
    const life = linked(this.life.signal)
    this.#engineLife = life
    try {
      this.#engine = await Engine.open({
        element: this.options.video,
        tracks,
        start_s,
        duration_s: Math.max(this.timeline.duration_ms / 1000, 0.1),
        signal: life.signal,
        onLost: (kind, number, error) => this.#lost(kind, number, error),
        onChange: () => this.#changed(),
        isComplete: () => this.detail.event.complete,
      })
      await this.#engine.run()
    } catch (error) {
      if (life.signal.aborted) return
      if (error instanceof NotPlayable && error.kind === 'audio') return this.#withoutSound(error)
      throw error
    }
  }

  /** Goes on without sound, from where it is. @param {unknown} error @returns {Promise<void>} */
  async #withoutSound(error) {
    const { video } = this.options
    const [at, playing] = [video.currentTime, !video.paused]
    this.#soundLost(error)
    this.#engineLife?.abort(new DOMException('the sound is left out', 'AbortError'))
    clearSource(video)
    const running = this.#run([this.#track('video', await this.#init(0))], at)
    if (playing) video.play().catch(() => {})
    await running
  }

  /** @param {unknown} error @returns {null} */
  #soundLost(error) {
    if (!isPartLost(error) && !(error instanceof NotPlayable) && !isMissing(error)) throw error
    this.#notice('sound_left_out', { from: 0, until: this.#times.video.end }, error)
    return null
  }

  /** @param {number} number @returns {Promise<import('../crypto/bytes.js').Bytes>} */
  #init(number) {
    return this.#patiently((signal) => this.options.opened.segment('init', number, { signal }))
  }

  #readDetail() {
    this.#times.video.update({ numbers: numbersOf(this.detail, 'video'), count: 0 })
    this.#times.audio.update({ numbers: numbersOf(this.detail, 'audio'), count: 0 })
  }

  async #readCard() {
    if (this.#card || !this.detail.segments.some(({ kind }) => kind === 'card')) return
    try {
      this.#card = await this.#patiently((signal) => this.options.opened.card({ signal }))
      const estimates_ms = this.#card.video.segments_ms
      this.#times.video.update({ numbers: numbersOf(this.detail, 'video'), count: estimates_ms.length, estimates_ms })
      this.#times.audio.update({ numbers: numbersOf(this.detail, 'audio'), count: 0, estimates_ms })
      this.#tellTimeline()
    } catch (error) {
      if (!isPartLost(error)) throw error
      this.#notice('card_damaged', { from: 0, until: 0 }, error)
    }
  }

  /** What the trailer counts and is not there is missing, and told. */
  async #readTrailer() {
    if (!this.detail.event.complete) return
    const trailer = await this.#patiently((signal) => this.options.opened.trailer({ signal })).catch((error) => {
      if (!isPartLost(error) && !isMissing(error)) throw error
      return null
    })
    if (!trailer) return
    const { video, audio } = this.#times
    video.update({ numbers: numbersOf(this.detail, 'video'), count: trailer.counts.video })
    audio.update({ numbers: numbersOf(this.detail, 'audio'), count: trailer.counts.audio })
    video.ranges().forEach((range, number) => {
      if (video.states.get(number) === 'missing') this.#notice('part_missing', range)
    })
    if ([...audio.states.values()].includes('missing') && this.#engine?.feeders.length === 2) await this.#withoutSound(missingSound())
    this.#tellTimeline()
  }

  /** @param {import('./engine.js').TrackKind} kind @param {number} number @param {unknown} error */
  async #lost(kind, number, error) {
    if (this.life.signal.aborted) return
    if (isMissing(error)) await this.#stillThere(error)
    const state = isMissing(error) ? 'missing' : stateOf(error) === 'did_not_belong' ? 'did_not_belong' : 'damaged'
    if (state === 'damaged' && error instanceof ApiError) throw error
    const times = this.#times[kind]
    times.mark(number, state)
    if (kind === 'audio') return this.#settle(this.#withoutSound(state === 'missing' ? missingSound() : error))
    this.#notice(state === 'missing' ? 'part_missing' : state === 'damaged' ? 'part_damaged' : 'part_did_not_belong', times.ranges()[number], error)
    if (!times.ranges().some((_, other) => times.isGood(other))) throw error
  }

  /** One part that is not found may be one part, or all of it: access ended. @param {unknown} error */
  async #stillThere(error) {
    const { client, home, camera, event } = this.options.opened
    const found = await this.#patiently((signal) => client.event(home, camera, event, { signal })).catch(() => null)
    if (!found) throw error
  }

  #changed() {
    if (this.state.name === 'getting') this.#set({ name: 'opening' })
    if (!this.#trailerWanted) this.#settle(this.#readTrailer()) // not before the first picture is on its way
    this.#trailerWanted = true
    this.#step()
    this.#tellTimeline()
  }

  #tellTimeline() {
    const { timeline } = this
    const told = JSON.stringify(timeline)
    if (told === this.#told) return
    this.#told = told
    this.options.onTimeline?.(timeline)
  }

  /** Over a hole, if the playhead stands before one. */
  #step() {
    const { video } = this.options
    if (!this.#engine || video.ended) return
    const stuck = !video.seeking && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    const how = { complete: this.detail.event.complete, stuck }
    const step = stepOverHole(video.currentTime, rangesOf(video.buffered), this.#times.video, how)
    if (step.act === 'jump') this.#notice('jumped', { from: video.currentTime, until: step.to })
    if (step.act === 'jump' || step.act === 'nudge') video.currentTime = step.to
    if (step.act === 'over') this.#set({ name: 'over' })
  }

  #listen() {
    const { video } = this.options
    const { signal } = this.life
    const on = (/** @type {string} */ name, /** @type {() => void} */ act) => video.addEventListener(name, act, { signal })
    const moved = () => {
      this.#engine?.poke()
      this.#step()
    }
    const ready = () => this.#engine && this.#set({ name: 'ready' })
    for (const name of ['timeupdate', 'seeking', 'stalled']) on(name, moved)
    for (const name of ['loadeddata', 'canplay', 'playing', 'seeked']) on(name, ready)
    on('waiting', () => {
      moved()
      if (this.#engine) this.#set(this.#trouble ? { name: stateOf(this.#trouble), error: this.#trouble } : { name: 'waiting' })
    })
    on('ended', () => this.#set({ name: 'over' }))
    on('error', () => this.#engine && video.getAttribute('src') !== null && this.#fail('not_playable', video.error))
  }

  /** @param {unknown} error null: it is over */
  #troubled(error) {
    this.#trouble = error
    const { video } = this.options
    const starving = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    if (error && starving) this.#set({ name: stateOf(error), error })
    if (!error && (this.state.name === 'offline' || this.state.name === 'unavailable')) this.#set(this.#engine ? { name: 'waiting' } : { name: 'getting', part: 'start' })
  }

  /** @template T @param {(signal: AbortSignal) => Promise<T>} act @returns {Promise<T>} */
  #patiently(act) {
    const { signal } = this.life
    return patiently(() => act(signal), signal, (error) => this.#troubled(error))
  }

  /** @param {Promise<unknown>} work whose failure is the player's */
  #settle(work) {
    work.catch((error) => {
      if (!this.life.signal.aborted) this.#fail(error instanceof NotPlayable ? 'not_playable' : stateOf(error), error)
    })
  }

  /** @param {Failure} name @param {unknown} error */
  #fail(name, error) {
    this.#set({ name, error })
    this.end()
  }

  /** @param {PlayerState} state */
  #set(state) {
    if (this.life.signal.aborted || sameState(state, this.state)) return
    this.state = state
    this.options.onState(state)
  }

  /** @param {NoticeKind} kind @param {import('./timeline.js').Range} range @param {unknown} [error] */
  #notice(kind, { from, until }, error) {
    this.options.onNotice({ kind, from_s: from, until_s: until, ...(error !== undefined && { error }) })
  }
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof ApiError && (error.code === 'not_found' || error.code === 'gone')
}

function missingSound() {
  return new ApiError('not_found', 'A part of the sound is missing.')
}

/** @param {PlayerState} a @param {PlayerState} b */
function sameState(a, b) {
  return a.name === b.name && (a.name !== 'getting' || b.name !== 'getting' || a.part === b.part)
}
