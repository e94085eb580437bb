// An Event as one mp4 file: everything is fetched for download, opened here, merged and handed over. Parts that are lost are left out and
// counted.

import { Damaged } from '../crypto/errors.js'
import { mergeInits, renumbered } from './mp4/merge.js'
import { readInit } from './mp4/init.js'
import { readTimes } from './mp4/times.js'
import { isPartLost } from './state.js'
import { numbersOf } from './timeline.js'

/**
 * @typedef {import('../crypto/bytes.js').Bytes} Bytes
 * @typedef {'video'|'audio'} TrackKind
 * @typedef {{ kind: TrackKind, number: number }} PartName
 * @typedef {{ from: number, kind: TrackKind, bytes: Bytes }} Part
 */

const PARALLEL = 4

/**
 * @param {{ opened: import('./event.js').OpenedEvent, detail: import('../api/types.js').EventDetail, signal?: AbortSignal, onProgress?: (done: number, total: number) => void }} what
 * @returns {Promise<{ blob: Blob, missing: number }>} `missing` parts were lost
 * @throws {unknown} what fetching or opening threw, unless only a part is lost
 */
export async function downloadMp4({ opened, detail, signal, onProgress }) {
  const fetching = { purpose: /** @type {const} */ ('download'), ...(signal && { signal }) }
  const video = await opened.segment('init', 0, fetching)
  const hasSound = detail.segments.some(({ kind, number }) => kind === 'init' && number === 1)
  const audio = hasSound ? await opened.segment('init', 1, fetching).catch(unlessLost) : null
  const infos = { video: readInit(video), audio: audio && readInit(audio) }
  const names = [...namesOf(detail, 'video'), ...(audio ? namesOf(detail, 'audio') : [])]
  let done = 0
  const parts = await inParallel(names, async ({ kind, number }) => {
    const bytes = await opened.segment(kind, number, fetching).catch(unlessLost)
    onProgress?.((done += 1), names.length)
    const init = infos[kind]
    return bytes && init ? { kind, bytes, ...readTimes(init, bytes) } : null
  })
  const good = parts.flatMap((part) => part ?? []).sort((a, b) => a.from - b.from || (a.kind === 'video' ? -1 : 1))
  if (!good.some(({ kind }) => kind === 'video')) throw new Damaged('nothing of the video is left')
  const duration_ms = Math.max(...good.map(({ until }) => until)) * 1000
  const blob = new Blob([mergeInits(video, audio, duration_ms), ...numbered(good)], { type: 'video/mp4' })
  const never = await countNever(opened, detail, signal)
  return { blob, missing: never + parts.length - good.length + (hasSound && !audio ? 1 : 0) }
}

/**
 * How many parts the trailer counts that never came, or are gone.
 * @param {import('./event.js').OpenedEvent} opened @param {import('../api/types.js').EventDetail} detail @param {AbortSignal|undefined} signal
 */
async function countNever(opened, detail, signal) {
  if (!detail.segments.some(({ kind }) => kind === 'trailer')) return 0
  const trailer = await opened.trailer({ ...(signal && { signal }) }).catch(unlessLost)
  const lacking = (/** @type {TrackKind} */ kind) => Math.max(0, (trailer?.counts[kind] ?? 0) - numbersOf(detail, kind).length)
  return lacking('video') + lacking('audio')
}

/** @param {Part[]} parts in time order */
function numbered(parts) {
  let next = 1
  return parts.map((part) => {
    const { bytes, count } = renumbered(part.bytes, next)
    next += count
    return bytes
  })
}

/** @param {import('../api/types.js').EventDetail} detail @param {TrackKind} kind @returns {PartName[]} */
function namesOf(detail, kind) {
  return numbersOf(detail, kind).map((number) => ({ kind, number }))
}

/** @param {unknown} error @returns {null} */
function unlessLost(error) {
  if (isPartLost(error)) return null
  throw error
}

/**
 * The results in the order of the items, with so many at work at once.
 * @template T, R @param {T[]} items @param {(item: T) => Promise<R>} act @returns {Promise<R[]>}
 */
async function inParallel(items, act) {
  /** @type {R[]} */
  const results = new Array(items.length)
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next
      next += 1
      results[at] = await act(items[at])
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  return results
}
