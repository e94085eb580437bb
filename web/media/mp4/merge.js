// One mp4 out of two tracks that were recorded apart: the init segments' `moov` become one, and the media segments follow in time order with
// one row of sequence numbers.

import { concat, u32 } from '../../crypto/bytes.js'
import { Damaged } from '../../crypto/errors.js'
import { boxAt, boxes, findBox, makeBox, versionOf } from './boxes.js'
import { readInit } from './init.js'

/** @typedef {import('../../crypto/bytes.js').Bytes} Bytes */

/**
 * @param {Bytes} video @param {Bytes|null} audio its init segment, if there is sound
 * @param {number} duration_ms of the whole, so that players know it without reading to the end
 * @returns {Bytes}
 * @throws {Damaged}
 */
export function mergeInits(video, audio, duration_ms) {
  const inits = audio ? [video, audio] : [video]
  const tracks = inits.map((init) => readInit(init).track)
  if (new Set(tracks).size !== tracks.length) throw new Damaged('mp4: two tracks of one number')
  const traks = inits.map((init) => boxAt(init, 'moov', 'trak').bytes)
  const trexs = inits.map((init) => boxAt(init, 'moov', 'mvex', 'trex').bytes)
  const { mvhd, timescale } = movieHeader(video, Math.max(...tracks) + 1)
  const mehd = makeBox('mehd', u32(0), u32(Math.round((duration_ms * timescale) / 1000)))
  return concat(boxAt(video, 'ftyp').bytes, makeBox('moov', mvhd, ...traks, makeBox('mvex', mehd, ...trexs)))
}

/**
 * The fragments of a media segment, numbered from `first` on; other boxes (`styp`, `sidx`) mean nothing inside a file.
 * @param {Bytes} segment @param {number} first
 * @returns {{ bytes: Bytes, count: number }}
 */
export function renumbered(segment, first) {
  const kept = boxes(segment).filter(({ type }) => type === 'moof' || type === 'mdat')
  const bytes = concat(...kept.map((box) => box.bytes))
  const view = new DataView(bytes.buffer)
  let at = 0
  let count = 0
  for (const box of kept) {
    if (box.type === 'moof') {
      view.setUint32(at + numberOffset(box), first + count)
      count += 1
    }
    at += box.bytes.length
  }
  return { bytes, count }
}

/** Where `moof/mfhd` keeps its number, from the start of the `moof`. @param {import('./boxes.js').Box} moof */
function numberOffset(moof) {
  const mfhd = boxAt(moof.body, 'mfhd')
  return mfhd.body.byteOffset + 4 - moof.bytes.byteOffset
}

/** A copy of `mvhd` whose next track number is free. @param {Bytes} init @param {number} nextTrack */
function movieHeader(init, nextTrack) {
  const mvhd = findBox(init, 'moov', 'mvhd')
  if (!mvhd) throw new Damaged('mp4: no mvhd')
  const copy = mvhd.bytes.slice()
  const view = new DataView(copy.buffer)
  view.setUint32(copy.length - 4, nextTrack)
  return { mvhd: copy, timescale: view.getUint32(8 + (versionOf(mvhd).version === 1 ? 20 : 12)) }
}
