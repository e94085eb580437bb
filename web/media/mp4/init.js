// What an init segment says: the codec, the timescale and the track's number.

import { boxAt, boxes, findBox, versionOf, viewOf } from './boxes.js'

/**
 * @typedef {import('../../crypto/bytes.js').Bytes} Bytes
 * @typedef {{ codec: string, timescale: number, track: number, defaultDuration: number }} InitInfo `codec` as a MIME type's `codecs` has it; durations in `timescale`
 */

const MDIA = ['moov', 'trak', 'mdia']
/** Of an audio and of a visual sample entry, before the boxes inside it. */
const ENTRY_HEAD = { audio: 28, video: 78 }

/** @param {Bytes} init @returns {InitInfo} @throws {import('../../crypto/errors.js').Damaged} */
export function readInit(init) {
  const mdhd = boxAt(init, ...MDIA, 'mdhd')
  const tkhd = boxAt(init, 'moov', 'trak', 'tkhd')
  const trex = findBox(init, 'moov', 'mvex', 'trex')
  return {
    codec: codecOf(init),
    timescale: viewOf(mdhd).getUint32(versionOf(mdhd).version === 1 ? 20 : 12),
    track: viewOf(tkhd).getUint32(versionOf(tkhd).version === 1 ? 20 : 12),
    defaultDuration: trex ? viewOf(trex).getUint32(12) : 0,
  }
}

/** @param {Bytes} init */
function codecOf(init) {
  const [entry] = boxes(boxAt(init, ...MDIA, 'minf', 'stbl', 'stsd').body.subarray(8))
  const { type } = entry
  if (type === 'avc1' || type === 'avc3') {
    const avcC = boxAt(entry.body.subarray(ENTRY_HEAD.video), 'avcC')
    return `${type}.${[...avcC.body.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
  }
  if (type === 'mp4a') return `mp4a.40.${audioObjectType(boxAt(entry.body.subarray(ENTRY_HEAD.audio), 'esds').body)}`
  return { fLaC: 'flac', Opus: 'opus' }[type] ?? type
}

/** The first five bits of the AudioSpecificConfig, which follows tag 5 (ISO/IEC 14496-1, 7.2.6.6). @param {Bytes} esds */
function audioObjectType(esds) {
  let at = esds.indexOf(5, 4 + 5) + 1
  while (esds[at] & 0x80) at += 1
  return (esds[at + 1] >>> 3) || 2
}
