// When a media segment begins and ends, from its own boxes: what the card says is an estimate, what is in the segment is what plays.

import { boxAt, boxes, findBox, versionOf, viewOf } from './boxes.js'

/**
 * @typedef {import('../../crypto/bytes.js').Bytes} Bytes
 * @typedef {{ from: number, until: number, frames: number }} SegmentTimes seconds from the Event's first frame
 */

/**
 * @param {import('./init.js').InitInfo} init @param {Bytes} segment
 * @returns {SegmentTimes}
 * @throws {import('../../crypto/errors.js').Damaged}
 */
export function readTimes(init, segment) {
  const fragments = boxes(segment).filter(({ type }) => type === 'moof')
  const parts = fragments.map(({ body }) => fragmentTimes(init, boxAt(body, 'traf').body))
  const from = Math.min(...parts.map((part) => part.from))
  const until = Math.max(...parts.map((part) => part.from + part.duration))
  const frames = parts.reduce((sum, part) => sum + part.frames, 0)
  return { from: from / init.timescale, until: until / init.timescale, frames }
}

/** @param {import('./init.js').InitInfo} init @param {Bytes} traf */
function fragmentTimes(init, traf) {
  const tfdt = boxAt(traf, 'tfdt')
  const from = versionOf(tfdt).version === 1 ? Number(viewOf(tfdt).getBigUint64(4)) : viewOf(tfdt).getUint32(4)
  const each = defaultDuration(traf) ?? init.defaultDuration
  const runs = boxes(traf).filter(({ type }) => type === 'trun').map((run) => runDuration(run, each))
  return { from, duration: runs.reduce((sum, run) => sum + run.duration, 0), frames: runs.reduce((sum, run) => sum + run.frames, 0) }
}

/** tfhd: fields stand in the order of their flags. @param {Bytes} traf @returns {number|null} */
function defaultDuration(traf) {
  const tfhd = findBox(traf, 'tfhd')
  if (!tfhd) return null
  const { flags } = versionOf(tfhd)
  if (!(flags & 0x08)) return null
  return viewOf(tfhd).getUint32(8 + (flags & 0x01 ? 8 : 0) + (flags & 0x02 ? 4 : 0))
}

/** trun: per sample, duration, size, flags and composition offset stand where their flag says. @param {import('./boxes.js').Box} run @param {number} each */
function runDuration(run, each) {
  const view = viewOf(run)
  const { flags } = versionOf(run)
  const frames = view.getUint32(4)
  if (!(flags & 0x100)) return { frames, duration: frames * each }
  const width = 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length
  let at = 8 + (flags & 0x01 ? 4 : 0) + (flags & 0x04 ? 4 : 0)
  let duration = 0
  for (let i = 0; i < frames; i += 1, at += width) duration += view.getUint32(at)
  return { frames, duration }
}
