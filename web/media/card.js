// An Event's card and trailer: JSON that was sealed with it, read as strictly as what is signed.

import { Damaged } from '../crypto/errors.js'
import { integer, list, nullable, number, oneOf, readJson, record, string } from '../crypto/json.js'

const PARTS_MAX = 100_000

const span = (/** @type {unknown} */ value, /** @type {string} */ at) => {
  const [from, until, ...rest] = list(integer())(value, at)
  if (until === undefined || rest.length > 0) throw new SyntaxError(`${at}: expected two times`)
  return /** @type {[number, number]} */ ([from, until])
}

const cardShape = record({
  v: oneOf(1),
  label: oneOf('motion', 'manual'),
  duration_ms: integer(),
  pre_roll_ms: integer(),
  preview_frames: integer(0, 255),
  motion: nullable(record({ x: number, y: number, w: number, h: number })),
  activity: list(span),
  video: record({ codec: string, width: integer(), height: integer(), segments_ms: list(integer(), PARTS_MAX) }),
  audio: nullable(record({ codec: string, rate: integer() })),
})

const count = integer(0, PARTS_MAX)
const trailerShape = record({
  v: oneOf(1),
  counts: record({ init: count, video: count, audio: count, thumbnail: count, preview: count, card: count }),
})

/**
 * @typedef {ReturnType<typeof cardShape>} Card
 * @typedef {ReturnType<typeof trailerShape>} Trailer
 */

/** @param {Uint8Array} bytes @returns {Card} @throws {Damaged} */
export function readCard(bytes) {
  return read(bytes, cardShape)
}

/** @param {Uint8Array} bytes @returns {Trailer} @throws {Damaged} */
export function readTrailer(bytes) {
  return read(bytes, trailerShape)
}

/** @template T @param {Uint8Array} bytes @param {import('../crypto/json.js').Check<T>} shape */
function read(bytes, shape) {
  try {
    return readJson(bytes, shape)
  } catch (error) {
    throw new Damaged(String(error))
  }
}
