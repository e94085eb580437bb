// An Event's header: signed by an agent of the home, it holds the Event's content key sealed to the people who may open it.
//
// What the header states is compared with what was asked for before anything is opened.

import { fromB64 } from './base64url.js'
import { concat, equal, u32, utf8, wipe } from './bytes.js'
import { b64Of } from './checks.js'
import { signedByOneOf } from './ed25519.js'
import { ChainRefused, Damaged, DidNotBelong, Locked } from './errors.js'
import { derive, hkdfKey, sha256 } from './hash.js'
import { ownPair } from './home.js'
import { hpkeOpen } from './hpke.js'
import { id, idBytes } from './ids.js'
import { boolean, integer, oneOf, readJson, record } from './json.js'
import { recipients } from './recipients.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('./home.js').OpenHome} OpenHome
 * @typedef {{ home: string, camera: string, event: string }} EventPlace
 * @typedef {ReturnType<typeof shape>} Header
 * @typedef {{ header: Header, place: EventPlace, hash: Bytes, key: CryptoKey }} OpenedHeader `key` derives the segments' keys; `hash` is of the header's bytes
 */

const LABEL = 'ks/event-header/v1'
const HEADER_BYTES_MAX = 64 * 1024

const shape = record({
  v: oneOf(1),
  home: id('hom'),
  camera: id('cam'),
  event: id('evt'),
  epoch: integer(1, 0xffffffff),
  agent: id('agt'),
  captured: integer(),
  clock_known: boolean,
  commitment: b64Of(32),
  recipients,
})

/**
 * @param {{ open: Pick<OpenHome, 'chain'|'epochs'|'slot'|'keys'>, asked: EventPlace, signed: import('./ed25519.js').Signed }} what
 * @returns {Promise<OpenedHeader>}
 * @throws {DidNotBelong} when it is another Event's
 * @throws {ChainRefused} `foreign_agent` when no agent of this home signed it
 * @throws {Locked} when none of its recipients is here
 * @throws {Damaged}
 */
export async function openHeader({ open, asked, signed }) {
  const { header, bytes } = readHeader(signed)
  compare(asked, header)
  if (header.home !== open.chain.home) throw new DidNotBelong(`header of ${header.home}, in ${open.chain.home}`)
  if (header.epoch > open.chain.head.epoch) throw new Locked(`header: epoch ${header.epoch}`, { stale: true })
  const signers = open.chain.signersIn(header.epoch, header.agent)
  if (!(await signedByOneOf(LABEL, signed, signers).catch(() => false))) {
    throw signers.length === 0 ? new ChainRefused('foreign_agent', header.agent) : new Damaged('header: signature')
  }
  const key = await openContentKey(open, header)
  return { header, place: asked, hash: await sha256(bytes), key }
}

/** @param {EventPlace} asked @param {Header} header */
function compare(asked, header) {
  for (const part of /** @type {const} */ (['home', 'camera', 'event'])) {
    if (header[part] !== asked[part]) throw new DidNotBelong(`header of ${header[part]}, asked for ${asked[part]}`)
  }
}

/**
 * @param {import('./ed25519.js').Signed} signed
 * @returns {{ header: Header, bytes: Bytes }}
 */
function readHeader(signed) {
  try {
    const bytes = fromB64(signed.body)
    if (bytes.length > HEADER_BYTES_MAX) throw new SyntaxError('longer than 64 KiB')
    return { header: readJson(bytes, shape), bytes }
  } catch (error) {
    throw new Damaged(`header: ${error}`)
  }
}

/** @param {Pick<OpenHome, 'epochs'|'slot'|'keys'>} open @param {Header} header */
async function openContentKey({ epochs, slot, keys }, header) {
  const guest = header.recipients.find(({ to }) => to === slot)
  const pair = epochs.get(header.epoch) ?? (guest && ownPair(keys))
  if (!pair) throw new Locked(`header: epoch ${header.epoch}`)
  const sealed = epochs.has(header.epoch) ? header.recipients[0] : /** @type {import('./recipients.js').Recipient} */ (guest)
  const secret = await hpkeOpen(pair, info(header), sealed)
  if (secret.length !== 32) throw new Damaged('content key: length')
  const key = await hkdfKey(secret)
  wipe(secret)
  if (!equal(await derive(key, utf8('ks/commit/v1')), header.commitment)) throw new Damaged('header: commitment')
  return key
}

/** @param {Header} header */
function info({ home, camera, event, epoch }) {
  return concat(utf8('ks/event/v1'), idBytes('hom', home), idBytes('cam', camera), idBytes('evt', event), u32(epoch))
}
