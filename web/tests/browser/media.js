// The player on a real <video> with real footage: sealed here, served by a recording, opened and decoded. Pixels are read back.

import { ApiError } from '../../api/errors.js'
import { u64 } from '../../crypto/bytes.js'
import { AppendQueue } from '../../media/append-queue.js'
import { downloadMp4 } from '../../media/download.js'
import { openEvent } from '../../media/event.js'
import { boxAt, boxes, versionOf } from '../../media/mp4/boxes.js'
import { readInit } from '../../media/mp4/init.js'
import { readTimes } from '../../media/mp4/times.js'
import { startPlayer } from '../../media/player.js'
import { rangesOf } from '../../media/ranges.js'
import { clearSource, mimeOf, openSource } from '../../media/source.js'
import { Household } from '../support/household.js'
import { Recording, someCard } from '../support/recording.js'
import { ok, refusedAs, same, until } from '../support/assert.js'

const video = /** @type {HTMLVideoElement} */ (document.getElementById('video'))
const SHOWN = { 0: 28, 2: 98, 4: 168 }

/** @param {string} name @returns {Promise<{ init: any, segments: any[] }>} */
async function footage(name) {
  const bytes = async (/** @type {string} */ part) => new Uint8Array(await (await fetch(`/footage/${name}.${part}`)).arrayBuffer())
  const { segments } = await (await fetch(`/footage/${name}.json`)).json()
  return { init: await bytes('init'), segments: await Promise.all(Array.from({ length: segments }, (_, i) => bytes(String(i)))) }
}

const shared = (async () => {
  const home = await Household.found()
  const agent = await home.pair()
  return { agent, open: await home.open(), picture: await footage('video'), sound: await footage('audio') }
})()

/** @param {{ sound?: boolean, card?: object|null, activity?: [number, number][] }} [about] */
async function someRecording({ sound = true, card = {}, activity = [] } = {}) {
  const { agent, open, picture, sound: tone } = await shared
  const recording = await Recording.begin({ open, agent })
  await recording.seal('init', 0, picture.init)
  for (const [number, bytes] of picture.segments.entries()) await recording.seal('video', number, bytes)
  if (sound) await recording.seal('init', 1, tone.init)
  if (sound) for (const [number, bytes] of tone.segments.entries()) await recording.seal('audio', number, bytes)
  if (card) await recording.sealJson('card', 0, someCard({ sound, activity, ...card }))
  await recording.close()
  return recording
}

/** The player of the test before, should it have failed. @type {import('../../media/player.js').Player|null} */
let last = null

/** A player with all that it says. @param {Recording} recording @param {Partial<import('../../media/player.js').PlayerOptions>} [more] */
async function playerOf(recording, more = {}) {
  const { open } = await shared
  const opened = await openEvent({ client: recording.client, open, row: recording.row })
  const stop = new AbortController()
  /** @type {string[]} */ const states = []
  /** @type {import('../../media/player.js').Notice[]} */ const notices = []
  last?.end()
  const player = startPlayer({
    video,
    opened,
    detail: recording.detail,
    signal: stop.signal,
    onState: (state) => states.push('part' in state ? `${state.name} ${state.part}` : state.name),
    onNotice: (notice) => notices.push(notice),
    ...more,
  })
  last = player
  return { player, opened, states, notices, stop }
}

/** @param {{ states: string[] }} playing @param {string} state */
function reaches({ states }, state) {
  return until(() => states.at(-1) === state, `${state}, but ${states.join(', ')}`)
}

/** To the end, faster. @param {Awaited<ReturnType<typeof playerOf>>} playing @param {number} [times] */
async function playOut(playing, times = 8) {
  playing.player.speed(times)
  await reaches(playing, 'ready')
  await playing.player.play()
  await reaches(playing, 'over')
}

/** The grey in the middle of what is shown. */
async function grey() {
  await until(() => !video.seeking && video.readyState >= 2, 'a picture')
  const canvas = new OffscreenCanvas(1, 1)
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'))
  context.drawImage(video, 160, 90, 1, 1, 0, 0, 1, 1)
  return context.getImageData(0, 0, 1, 1).data[0]
}

/** @param {keyof typeof SHOWN} second */
async function shows(second) {
  let found = -1
  const look = () => grey().then((now) => (found = now))
  await look()
  await until(() => look() && Math.abs(found - SHOWN[second]) < 8, `the picture of second ${second}, found ${found} at ${video.currentTime}`)
}

/** @param {Awaited<ReturnType<typeof playerOf>>} playing */
function told({ notices }) {
  return notices.map(({ kind, from_s, until_s }) => `${kind} ${from_s.toFixed(1)}-${until_s.toFixed(1)}`)
}

/** The same segment at another time: its `tfdt` is moved. @param {Uint8Array<ArrayBuffer>} segment @param {number} time in its timescale */
function movedTo(segment, time) {
  const copy = segment.slice()
  const moof = boxes(copy).find(({ type }) => type === 'moof')
  const tfdt = boxAt(/** @type {any} */ (moof).body, 'traf', 'tfdt')
  ok(versionOf(tfdt).version === 1, 'tfdt of 64 bits')
  tfdt.body.set(u64(time), 4)
  return copy
}

/** @param {string} name */
async function realBuffer(name) {
  const { init, segments } = await footage(name)
  const info = readInit(init)
  const stop = new AbortController()
  const source = await openSource(video, stop.signal)
  const buffer = source.addSourceBuffer(mimeOf('video', info.codec))
  return { init, info, segments, buffer }
}

/** @type {import('../suites/index.js').Suite} */
export const media = {
  name: 'media',
  tests: {
    async 'an Event with sound plays from its beginning to its end'() {
      const playing = await playerOf(await someRecording())
      await reaches(playing, 'ready')
      same(playing.states, ['getting card', 'getting start', 'getting video', 'opening', 'ready'].slice(5 - playing.states.length))
      await shows(0)
      await playOut(playing)
      ok(Math.abs(video.currentTime - 6) < 0.15, `over at ${video.currentTime}`)
      same(told(playing), [])
      same(playing.player.timeline.segments.map(({ state }) => state), ['here', 'here', 'here'])
      playing.player.end()
      ok(!video.hasAttribute('src'), 'the picture stays')
    },
    async 'it begins a little before the activity, and fetches what is there first'() {
      const recording = await someRecording({ activity: [[5500, 6000]] })
      const playing = await playerOf(recording)
      await reaches(playing, 'ready')
      ok(Math.abs(video.currentTime - 2.5) < 0.01, String(video.currentTime))
      await shows(2)
      playing.player.end()
      recording.asked = []
      const again = await playerOf(recording, { start_s: 4.5 })
      await reaches(again, 'ready')
      same(recording.asked.filter((name) => name.startsWith('video')), ['video/2'])
      again.player.end()
    },
    async 'seeking fetches the segment under the time, back and forth'() {
      const recording = await someRecording()
      let held = true
      recording.before = (name) => name === 'video/1' && held && new Promise(() => {})
      const playing = await playerOf(recording)
      await reaches(playing, 'ready')
      playing.player.seek(4.5)
      await shows(4)
      playing.player.seek(0.5)
      await shows(0)
      held = false
      playing.player.seek(2.5)
      await until(() => recording.asked.filter((name) => name === 'video/1').length >= 1, 'video/1')
      playing.player.end()
    },
    async 'without a card it comes in order; what comes later is played on'() {
      const recording = await someRecording({ card: null })
      const all = new Map(recording.stored)
      for (const name of ['video/1', 'video/2', 'audio/1', 'audio/2', 'audio/3', 'trailer/0']) recording.stored.delete(name)
      recording.complete = false
      const playing = await playerOf(recording)
      await reaches(playing, 'ready')
      same(playing.player.timeline.complete, false)
      playing.player.speed(8)
      await playing.player.play()
      await reaches(playing, 'waiting')
      recording.stored = all
      recording.complete = true
      playing.player.update(recording.detail)
      await reaches(playing, 'over')
      same(recording.asked.filter((name) => name.startsWith('video')), ['video/0', 'video/1', 'video/2'])
      playing.player.end()
    },
    async 'an Event that was cut short ends where it was cut, with as much sound as there is'() {
      const recording = await someRecording({ card: null })
      for (const name of ['video/2', 'audio/1', 'audio/2', 'audio/3', 'trailer/0']) recording.stored.delete(name)
      recording.complete = false
      recording.received = Date.now() - 16 * 60_000
      const playing = await playerOf(recording)
      await playOut(playing)
      ok(Math.abs(video.currentTime - 4) < 0.15, `over at ${video.currentTime}`)
      same([told(playing), playing.player.timeline.complete], [[], false])
      playing.player.end()
    },
    async 'sound of which parts never came is left out'() {
      const recording = await someRecording()
      recording.stored.delete('audio/1')
      const playing = await playerOf(recording)
      await until(() => playing.notices.length > 0, 'told')
      await playOut(playing)
      same(told(playing), ['sound_left_out 0.0-6.0'])
      playing.player.end()
    },
    async 'a damaged part is told and jumped'() {
      const recording = await someRecording()
      recording.damage('video/1')
      const playing = await playerOf(recording)
      await playOut(playing, 2) // where there is sound, the browser itself goes on over the hole: the jump comes within a quarter of a second
      same(told(playing)[0], 'part_damaged 2.0-4.0')
      ok(told(playing).some((text) => /^jumped [123]\.\d-4\.0$/.test(text)), told(playing).join())
      same(playing.player.timeline.segments.map(({ state }) => state), ['here', 'damaged', 'here'])
      playing.player.end()
    },
    async 'a part that did not belong is told, never shown'() {
      const [recording, other] = [await someRecording(), await someRecording()]
      recording.stored.set('video/1', /** @type {any} */ (other.stored.get('video/1')))
      const playing = await playerOf(recording, { start_s: 2.5 })
      await until(() => playing.notices.length > 0, 'told')
      same(told(playing)[0], 'part_did_not_belong 2.0-4.0')
      await until(() => video.currentTime >= 4, 'jumped')
      await shows(4)
      playing.player.end()
    },
    async 'a part that the trailer counts and that is not there is missing'() {
      const recording = await someRecording()
      recording.stored.delete('video/1')
      const playing = await playerOf(recording)
      await playOut(playing)
      ok(told(playing).includes('part_missing 2.0-4.0'), told(playing).join())
      playing.player.end()
    },
    async 'a beginning or an end that is lost is stepped over'() {
      for (const lost of ['video/0', 'video/2']) {
        const recording = await someRecording()
        recording.damage(lost)
        const playing = await playerOf(recording)
        await playOut(playing)
        same(told(playing).filter((text) => text.startsWith('part_damaged')).length, 1)
        playing.player.end()
      }
    },
    async 'when nothing of it opens, that is its state'() {
      const recording = await someRecording({ sound: false })
      for (const number of [0, 1, 2]) recording.damage(`video/${number}`)
      const playing = await playerOf(recording)
      await reaches(playing, 'damaged')
      ok(!video.hasAttribute('src'))
      const noInit = await someRecording()
      noInit.damage('init/0')
      await reaches(await playerOf(noInit), 'damaged')
    },
    async 'damaged sound leaves the picture playing'() {
      for (const lost of ['audio/1', 'init/1']) {
        const recording = await someRecording()
        recording.damage(lost)
        const playing = await playerOf(recording)
        await until(() => playing.notices.some(({ kind }) => kind === 'sound_left_out'), 'told')
        await playOut(playing)
        same(told(playing).filter((text) => !text.startsWith('sound_left_out')), [])
        same(playing.notices.length, 1)
        playing.player.end()
      }
    },
    async 'a damaged card is told, and the video plays'() {
      const recording = await someRecording()
      recording.damage('card/0')
      const playing = await playerOf(recording)
      await playOut(playing)
      same(told(playing), ['card_damaged 0.0-0.0'])
      playing.player.end()
    },
    async 'access that ends while watching stops playing and clears the picture'() {
      const recording = await someRecording()
      let allowed = true
      recording.before = (name) => {
        if (!allowed || name === 'video/2') throw new ApiError('not_found', 'There is nothing here.')
      }
      const playing = await playerOf(recording)
      allowed = false
      await reaches(playing, 'ended')
      ok(!video.hasAttribute('src') && video.readyState === 0, 'the picture stays')
      const before = playing.states.length
      playing.player.seek(1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      same(playing.states.length, before)
    },
    async 'one part that is gone while the Event is there is missing, not the end'() {
      const recording = await someRecording()
      recording.before = (name) => {
        if (name === 'video/1') throw new ApiError('not_found', 'There is nothing here.')
      }
      const playing = await playerOf(recording)
      await playOut(playing)
      same(told(playing)[0], 'part_missing 2.0-4.0')
      playing.player.end()
    },
    async 'lockdown, sign-out and a missing right are states of their own'() {
      for (const [code, state] of [['lockdown', 'lockdown'], ['sign_in_needed', 'signed_out'], ['not_allowed', 'not_allowed']]) {
        const recording = await someRecording()
        recording.before = (name) => {
          if (name === 'video/0') throw new ApiError(code, '')
        }
        await reaches(await playerOf(recording), state)
        ok(!video.hasAttribute('src'))
      }
    },
    async 'a server that is away is waited for'() {
      const recording = await someRecording()
      let failures = 2
      recording.before = (name) => {
        if (name === 'video/0' && (failures -= 1) >= 0) throw new ApiError('offline', '')
      }
      const playing = await playerOf(recording)
      await reaches(playing, 'ready')
      ok(playing.states.includes('offline'), playing.states.join())
      playing.player.end()
    },
    async 'a full buffer is a normal path'() {
      const append = SourceBuffer.prototype.appendBuffer
      let full = 3
      SourceBuffer.prototype.appendBuffer = function (bytes) {
        if (/** @type {Uint8Array} */ (bytes).length > 500 && this.buffered.length > 0 && (full -= 1) >= 0) throw new DOMException('full', 'QuotaExceededError')
        return append.call(this, bytes)
      }
      try {
        const playing = await playerOf(await someRecording({ sound: false }))
        await playOut(playing)
        ok(full < 0, 'it was never full')
        same(told(playing), [])
        playing.player.end()
      } finally {
        SourceBuffer.prototype.appendBuffer = append
      }
    },
    async 'a ManagedMediaSource is fed while it asks to be, and plays'() {
      const world = /** @type {any} */ (globalThis)
      /** @type {any} */ let source = null
      world.ManagedMediaSource = class extends MediaSource {
        streaming = false
        constructor() {
          super()
          source = this
        }
      }
      try {
        const recording = await someRecording({ sound: false })
        const playing = await playerOf(recording)
        await reaches(playing, 'ready')
        ok(video.disableRemotePlayback, 'remote playback is off before it is attached')
        await new Promise((resolve) => setTimeout(resolve, 50))
        ok(!recording.asked.includes('video/2'), 'fetched although nothing was asked for')
        source.streaming = true
        source.dispatchEvent(new Event('startstreaming'))
        await playOut(playing)
        playing.player.end()
      } finally {
        delete world.ManagedMediaSource
      }
    },
    async 'a step is one picture, and pauses'() {
      const playing = await playerOf(await someRecording({ sound: false }), { start_s: 1 })
      await reaches(playing, 'ready')
      playing.player.step(1)
      ok(Math.abs(video.currentTime - 1.1) < 0.001, String(video.currentTime))
      playing.player.step(-1)
      playing.player.step(-1)
      ok(video.paused && Math.abs(video.currentTime - 0.9) < 0.001, String(video.currentTime))
      playing.player.end()
    },
    async 'a player that is ended in the middle of getting says nothing more'() {
      for (const at of ['init/0', 'card/0', 'video/0', 'audio/0']) {
        const recording = await someRecording()
        const reached = new Promise((resolve) => {
          recording.before = (name, signal) => name === at && new Promise((_, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason))
            resolve(null)
          })
        })
        const playing = await playerOf(recording)
        await reached
        playing.player.end()
        const before = playing.states.length
        await new Promise((resolve) => setTimeout(resolve, 30))
        same([playing.states.length, video.hasAttribute('src')], [before, false], at)
      }
    },
    async 'a codec that the browser lacks is a state with words'() {
      const recording = await someRecording({ sound: false })
      const { picture } = await shared
      const init = picture.init.slice()
      const at = new TextDecoder('latin1').decode(init).indexOf('avc1', 100)
      init.set(new TextEncoder().encode('hvc1'), at)
      await recording.seal('init', 0, init)
      const playing = await playerOf(recording)
      await reaches(playing, 'not_playable')
      ok(playing.player.state.name === 'not_playable' && /browser/.test(String(/** @type {any} */ (playing.player.state).error.message)))
    },
    async 'the segments say their own times'() {
      const { picture, sound } = await shared
      same(readInit(picture.init).codec.slice(0, 5), 'avc1.')
      same(readInit(sound.init), { codec: 'mp4a.40.2', timescale: 48000, track: 2, defaultDuration: 0 })
      same(picture.segments.map((bytes) => readTimes(readInit(picture.init), bytes)), [0, 2, 4].map((from) => ({ from, until: from + 2, frames: 20 })))
    },
    async 'segments appended out of order are all there'() {
      const { init, segments, buffer } = await realBuffer('video')
      const queue = new AppendQueue(buffer, { evictable: () => [], onFull() {} })
      await Promise.all([init, segments[2], segments[0], segments[1]].map((bytes) => queue.append(bytes)))
      same(rangesOf(buffer.buffered).map(({ from, until }) => [from, Number(until.toFixed(2))]), [[0, 6]])
      await queue.remove({ from: 0, until: 2 })
      same(rangesOf(buffer.buffered).length, 1)
      ok(buffer.buffered.start(0) >= 2, 'removed')
      clearSource(video)
    },
    async 'a real buffer that is full is evicted, or says so, and is still of use'() {
      const { init, info, segments, buffer } = await realBuffer('noise')
      let full = 0
      /** @type {import('../../media/timeline.js').Range[]} */
      let evictable = []
      const queue = new AppendQueue(buffer, { evictable: () => evictable, onFull: () => (full += 1) })
      await queue.append(init)
      let second = 0
      const next = () => queue.append(movedTo(segments[0], second++ * info.timescale))
      while (full === 0 && second < 200) if ((await next()) === 'full') break
      ok(full === 1, `never full after ${second} seconds`)
      same(await next(), 'full')
      evictable = [{ from: 0, until: second - 10 }]
      same(await next(), 'appended')
      same(full, 3)
      clearSource(video)
    },
    async 'a queue that is closed while a real buffer works ends'() {
      const { init, segments, buffer } = await realBuffer('noise')
      const queue = new AppendQueue(buffer, { evictable: () => [], onFull() {} })
      await queue.append(init)
      const appending = queue.append(segments[0])
      const waiting = queue.append(segments[1])
      queue.close()
      clearSource(video)
      await refusedAs(appending, 'AbortError')
      await refusedAs(waiting, 'AbortError')
    },
    async 'a download is one file with picture and sound that plays, and leaves out what is lost'() {
      const recording = await someRecording()
      const { opened } = await playerOf(recording).then((playing) => (playing.player.end(), playing))
      recording.asked = []
      /** @type {number[]} */ const progress = []
      const { blob, missing } = await downloadMp4({ opened, detail: recording.detail, onProgress: (done, total) => progress.push(done / total) })
      same([missing, progress.at(-1)], [0, 1])
      ok(recording.asked.every((name) => name.endsWith(' download') || name === 'trailer/0'), recording.asked.join())
      await fetch('/download', { method: 'POST', body: blob })
      const url = URL.createObjectURL(blob)
      video.src = url
      await until(() => video.readyState >= 2, 'the file plays')
      ok(Math.abs(video.duration - 6) < 0.1, `duration ${video.duration}`)
      await shows(0)
      video.currentTime = 4.5
      await shows(4)
      clearSource(video)
      URL.revokeObjectURL(url)
      recording.damage('video/1')
      recording.stored.delete('audio/2')
      same((await downloadMp4({ opened, detail: recording.detail })).missing, 2)
    },
  },
}
