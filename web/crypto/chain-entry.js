// One entry of a home's chain: the full state of who belongs to it, as docs/formats/home-chain.md has it. Reading and writing only; whether
// it may follow another entry is chain-rules.js's question.

import { fromB64, toB64 } from './base64url.js'
import { equal, utf8 } from './bytes.js'
import { b64Of, kemKey, signKey } from './checks.js'
import { ChainRefused } from './errors.js'
import { sha256 } from './hash.js'
import { id } from './ids.js'
import { integer, list, nullable, oneOf, readJson, record, unique } from './json.js'

export const ENTRY_LABEL = 'ks/chain-entry/v1'
const ENTRY_BYTES_MAX = 64 * 1024
const SLOTS_MAX = 64
const AGENTS_MAX = 16
const time = integer()

/** @type {import('../api/types.js').Right[]} */
const RIGHTS = ['live', 'review', 'download', 'manage', 'delete']

const slotShape = record({
  slot: id('slt'),
  account: nullable(id('acc')),
  rights: unique(oneOf(...RIGHTS)),
  cameras: nullable(unique(id('cam'))),
  from: time,
  until: nullable(time),
  kem: kemKey,
  sign: signKey,
})

const agentShape = record({ agent: id('agt'), sign: signKey })

const entryShape = record({
  v: oneOf(1),
  home: id('hom'),
  seq: integer(0),
  prev: nullable(b64Of(32)),
  epoch: integer(0, 0xffffffff),
  epoch_key: kemKey,
  by: id('slt'),
  slots: list(slotShape, SLOTS_MAX),
  agents: list(agentShape, AGENTS_MAX),
})

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {ReturnType<typeof entryShape>} EntryBody
 * @typedef {ReturnType<typeof slotShape>} Slot
 * @typedef {EntryBody & { hash: Bytes }} Entry `hash` is the SHA-256 of the bytes as they came
 */

/** Presets of rights. */
export const PRESETS = {
  owner: RIGHTS,
  member: /** @type {import('../api/types.js').Right[]} */ (['live', 'review', 'download']),
}

/** @param {Slot|undefined} slot an accepted one that may manage */
export function isOwner(slot) {
  return slot !== undefined && slot.account !== null && slot.rights.includes('manage')
}

/** Whether each epoch's secret is sealed to this slot: it may review, and the whole home. @param {Slot} slot */
export function holdsEpochs({ rights, cameras }) {
  return rights.includes('review') && cameras === null
}

/**
 * @param {import('./ed25519.js').Signed} signed
 * @returns {Promise<Entry>}
 * @throws {ChainRefused} `malformed`
 */
export async function readEntry(signed) {
  try {
    const bytes = fromB64(signed.body)
    if (bytes.length > ENTRY_BYTES_MAX) throw new SyntaxError('longer than 64 KiB')
    const entry = readJson(bytes, entryShape)
    // One form, so that no two readers see two things in it and nobody can make it larger than what it says.
    if (!equal(writeEntry(entry), bytes)) throw new SyntaxError('not written as entries are: in their order, without spaces')
    return { ...entry, hash: await sha256(bytes) }
  } catch (error) {
    throw new ChainRefused('malformed', String(error))
  }
}

/** @param {EntryBody} entry @returns {Bytes} the bytes to sign */
export function writeEntry(entry) {
  return utf8(
    JSON.stringify({
      v: 1,
      home: entry.home,
      seq: entry.seq,
      prev: entry.prev && toB64(entry.prev),
      epoch: entry.epoch,
      epoch_key: toB64(entry.epoch_key),
      by: entry.by,
      slots: entry.slots.map(writeSlot),
      agents: entry.agents.map(({ agent, sign }) => ({ agent, sign: toB64(sign) })),
    }),
  )
}

/** @param {Slot} slot */
function writeSlot({ slot, account, rights, cameras, from, until, kem, sign }) {
  return { slot, account, rights, cameras, from, until, kem: toB64(kem), sign: toB64(sign) }
}
