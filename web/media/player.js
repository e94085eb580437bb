// Plays one opened Event in one <video>. What it says of itself is a named state; what is lost on the way is told and stepped over; when access
// ends, playing stops and the picture is cleared.

import { ApiError } from '../api/errors.js'
import { Engine, NotPlayable } from './engine.js'
import { SegmentFetcher } from './fetcher.js'
import { EventParts, isMissing } from './parts.js'
import { patiently } from './patience.js'
import { rangesOf, stepOverHole } from './ranges.js'
import { linked } from './signals.js'
import { clearSource } from './source.js'
import { isPartLost, stateOf } from './state.js'
import { startOf } from './timeline.js'

/**
 * @typedef {import('./event.js').OpenedEvent} OpenedEvent
 * @typedef {import('../api/types.js').EventDetail} EventDetail
 * @typedef {import('./engine.js').TrackKind} TrackKind
 * @typedef {import('./parts.js').Notice} Notice
 * @typedef {import('./state.js').Trouble|'not_playable'} Failure
 * @typedef {{ name: 'getting', part: 'card'|'start'|'video' }|{ name: 'opening' }|{ name: 'ready' }|{ name: 'waiting' }|{ name: 'over' }|{ name: Failure, error: unknown }} PlayerState
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
  /** @type {unknown} what is wrong with the way, while it is */
  #trouble = null
  #toldTimeline = ''
  #trailerWanted = false
  #parts
  /** @type {Record<TrackKind, SegmentFetcher>} they outlive an engine */
  #fetchers

  /** @param {PlayerOptions} options */
  constructor(options) {
    const { opened, detail, onNotice, signal, video } = options
    this.options = options
    this.life = linked(signal)
    this.life.signal.addEventListener('abort', () => clearSource(video), { once: true })
    const onTrouble = (/** @type {unknown} */ error) => this.#troubled(error)
    const own = this.life.signal
    this.#parts = new EventParts({ opened, detail, onNotice, patiently: (act) => patiently(() => act(own), own, onTrouble) })
    this.#fetchers = {
      video: new SegmentFetcher({ opened, kind: 'video', signal: own, onTrouble }),
      audio: new SegmentFetcher({ opened, kind: 'audio', signal: own, onTrouble }),
    }
    this.#listen()
  }

  get timeline() {
    return this.#parts.timeline
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
    this.options.video.currentTime = Math.max(0, Math.min(seconds, this.timeline.duration_ms / 1000))
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
    this.#parts.update(detail)
    this.#settle(this.#parts.readCard().then(() => this.#readTrailer()))
    this.#engine?.poke()
  }

  /** Stops, clears the picture, forgets what was fetched. */
  end() {
    this.life.abort(new DOMException('the player was ended', 'AbortError'))
  }

  begin() {
    this.#settle(this.#begin())
  }

  async #begin() {
    const parts = this.#parts
    this.#fetchEarly()
    const [first, second] = [parts.init(0), parts.hasSound ? parts.init(1) : null]
    for (const getting of [first, second]) getting?.catch(() => {}) // awaited below, unless the card ends it all
    await parts.readCard()
    this.#tellTimeline()
    this.#set({ name: 'getting', part: 'start' })
    const tracks = [this.#track('video', await first)]
    const sound = await second?.catch((error) => this.#soundLost(error))
    if (sound) tracks.push(this.#track('audio', sound))
    this.#set({ name: 'getting', part: 'video' })
    await this.#run(tracks, this.options.start_s ?? startOf(parts.card))
  }

  /** Until the card says where to begin, it is most likely in one of the first two: they are fetched meanwhile. */
  #fetchEarly() {
    const known = this.options.start_s !== undefined || this.options.opened.knownCard
    if (!known) this.#fetchers.video.want(this.#parts.firstTwo)
  }

  /** @param {TrackKind} kind @param {import('../crypto/bytes.js').Bytes} init @returns {import('./engine.js').Track} */
  #track(kind, init) {
    return { kind, init, times: this.#parts.times[kind], fetcher: this.#fetchers[kind] }
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
        isComplete: () => this.#parts.closed,
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
    const running = this.#run([this.#track('video', await this.#parts.init(0))], at)
    if (playing) this.play()
    await running
  }

  /** @param {unknown} error @returns {null} */
  #soundLost(error) {
    if (!isPartLost(error) && !(error instanceof NotPlayable) && !isMissing(error)) throw error
    this.#parts.tell('sound_left_out', { from: 0, until: this.#parts.times.video.end }, error)
    return null
  }

  /** @param {TrackKind} kind @param {number} number @param {unknown} error */
  async #lost(kind, number, error) {
    if (this.life.signal.aborted) return
    await this.#parts.lose(kind, number, error)
    if (kind === 'audio') this.#settle(this.#withoutSound(isPartLost(error) ? error : missingSound()))
  }

  async #readTrailer() {
    await this.#parts.readTrailer()
    if (this.#parts.lacksSound && this.#engine?.feeders.length === 2) await this.#withoutSound(missingSound())
    this.#tellTimeline()
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
    if (told === this.#toldTimeline) return
    this.#toldTimeline = told
    this.options.onTimeline?.(timeline)
  }

  /** Over a hole, if the playhead stands before one. */
  #step() {
    const { video } = this.options
    if (!this.#engine || video.ended) return
    const stuck = !video.seeking && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    const how = { complete: this.#parts.closed, stuck }
    const step = stepOverHole(video.currentTime, rangesOf(video.buffered), this.#parts.times.video, how)
    if (step.act === 'jump') this.#parts.tell('jumped', { from: video.currentTime, until: step.to })
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
    const starving = this.options.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    if (error && starving) this.#set({ name: stateOf(error), error })
    const wasAway = this.state.name === 'offline' || this.state.name === 'unavailable'
    if (!error && wasAway) this.#set(this.#engine ? { name: 'waiting' } : { name: 'getting', part: 'start' })
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
}

function missingSound() {
  return new ApiError('not_found', 'A part of the sound is missing.')
}

/** @param {PlayerState} a @param {PlayerState} b */
function sameState(a, b) {
  return a.name === b.name && (a.name !== 'getting' || b.name !== 'getting' || a.part === b.part)
}
