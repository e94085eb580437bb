// One sealed segment. The identity in its head is compared with what was asked for first; only then is it opened.

import { aesOpen } from './aes.js'
import { concat, equal, u64, u8, utf8 } from './bytes.js'
import { Damaged, DidNotBelong } from './errors.js'
import { deriveAesKey } from './hash.js'
import { idBytes } from './ids.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('./header.js').OpenedHeader} OpenedHeader
 * @typedef {import('../api/types.js').SegmentKind} SegmentKind
 */

/** @type {SegmentKind[]} in the order of their numbers in the format */
export const KINDS = ['init', 'video', 'audio', 'thumbnail', 'preview', 'card', 'trailer']

/** The identity in clear, then at least a tag. */
const IDENTITY_LENGTH = 57
const KIND_AT = 48
const TAG_LENGTH = 16

/** The keys of one Event, derived per kind when first wanted. */
export class SegmentKeys {
  /** @param {OpenedHeader} opened */
  constructor(opened) {
    this.opened = opened
    /** @type {Map<SegmentKind, Promise<CryptoKey>>} */
    this.keys = new Map()
  }

  /** @param {SegmentKind} kind @returns {Promise<CryptoKey>} */
  of(kind) {
    let key = this.keys.get(kind)
    if (!key) {
      key = deriveAesKey(this.opened.key, concat(utf8('ks/seg/v1'), u8(KINDS.indexOf(kind))))
      this.keys.set(kind, key)
    }
    return key
  }
}

/**
 * @param {SegmentKeys} keys of the Event that was asked for
 * @param {SegmentKind} kind @param {number} number
 * @param {Bytes} sealed
 * @returns {Promise<Bytes>}
 * @throws {DidNotBelong} when it states another home, camera, Event, kind or number
 * @throws {Damaged} when it does not open
 */
export async function openSegment(keys, kind, number, sealed) {
  if (sealed.length < IDENTITY_LENGTH + TAG_LENGTH) throw new Damaged('segment: too short')
  refuseUnknown(sealed)
  const identity = segmentIdentity(keys.opened.place, kind, number)
  if (!equal(identity, sealed.subarray(0, IDENTITY_LENGTH))) throw new DidNotBelong(`segment ${kind} ${number}: another identity`)
  return aesOpen(await keys.of(kind), segmentNonce(number), concat(identity, keys.opened.hash), sealed.subarray(IDENTITY_LENGTH))
}

/** An identity that no segment has: a kind beyond the last, a number beyond 32 bits. @param {Bytes} sealed */
function refuseUnknown(sealed) {
  const numberTop = sealed.subarray(IDENTITY_LENGTH - 8, IDENTITY_LENGTH - 4)
  if (sealed[KIND_AT] >= KINDS.length || numberTop.some((byte) => byte !== 0)) throw new Damaged('segment: no such identity')
}

/** @param {import('./header.js').EventPlace} place @param {SegmentKind} kind @param {number} number @returns {Bytes} 57 */
export function segmentIdentity({ home, camera, event }, kind, number) {
  return concat(idBytes('hom', home), idBytes('cam', camera), idBytes('evt', event), u8(KINDS.indexOf(kind)), u64(number))
}

/** @param {number} number @returns {Bytes} 12 */
export function segmentNonce(number) {
  return concat(new Uint8Array(4), u64(number))
}
