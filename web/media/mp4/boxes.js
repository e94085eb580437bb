// ISO base media boxes (ISO/IEC 14496-12): walking and building. Sizes are checked against what is there; 64-bit sizes do not occur in
// segments of seconds and are refused.

import { concat, u32, utf8 } from '../../crypto/bytes.js'
import { Damaged } from '../../crypto/errors.js'

/**
 * @typedef {import('../../crypto/bytes.js').Bytes} Bytes
 * @typedef {object} Box
 * @property {string} type
 * @property {Bytes} bytes the whole box, a view of what it was read from
 * @property {Bytes} body what follows size and type
 */

/** @param {Bytes} bytes @returns {Box[]} the boxes that stand in these bytes one after another @throws {Damaged} */
export function boxes(bytes) {
  const found = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const size = at + 8 <= bytes.length ? view.getUint32(at) : 0
    if (size < 8 || at + size > bytes.length) throw new Damaged(`mp4: a box of ${size} bytes at ${at}`)
    const whole = bytes.subarray(at, at + size)
    found.push({ type: String.fromCharCode(...whole.subarray(4, 8)), bytes: whole, body: whole.subarray(8) })
    at += size
  }
  return found
}

/**
 * The first box at a path of types, each inside the one before.
 * @param {Bytes} bytes @param {...string} path
 * @returns {Box} @throws {Damaged} when there is none
 */
export function boxAt(bytes, ...path) {
  const found = findBox(bytes, ...path)
  if (!found) throw new Damaged(`mp4: no ${path.join('/')}`)
  return found
}

/** @param {Bytes} bytes @param {...string} path @returns {Box|null} */
export function findBox(bytes, ...path) {
  /** @type {Box|null} */
  let found = null
  for (const type of path) {
    found = boxes(found ? found.body : bytes).find((box) => box.type === type) ?? null
    if (!found) return null
  }
  return found
}

/** @param {string} type @param {...Uint8Array} parts @returns {Bytes} */
export function makeBox(type, ...parts) {
  const body = concat(...parts)
  return concat(u32(8 + body.length), utf8(type), body)
}

/** @param {Box} box @returns {DataView} of its body */
export function viewOf({ body }) {
  return new DataView(body.buffer, body.byteOffset, body.byteLength)
}

/** The version and flags of a full box. @param {Box} box */
export function versionOf(box) {
  const word = viewOf(box).getUint32(0)
  return { version: word >>> 24, flags: word & 0xffffff }
}
