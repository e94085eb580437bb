// An invitation from the invitee's side. The link's secret, which no server sees, makes the keys of the pending slot; accepting puts one's own
// keys in their place. The link names the home's first entry too: a home that a server made up begins otherwise, and is refused before
// anything is signed, sent or opened.

import { fromB64Of, toB64 } from './base64url.js'
import { concat, equal, utf8, wipe } from './bytes.js'
import { ENTRY_LABEL, writeEntry } from './chain-entry.js'
import { checkNext } from './chain-rules.js'
import { verifyChain } from './chain.js'
import { signDocument, signPairOf } from './ed25519.js'
import { openForSlot, proven, sealToSlot } from './epoch.js'
import { BadLink, ChainRefused } from './errors.js'
import { hkdf } from './hash.js'
import { idBytes, isId } from './ids.js'
import { openName } from './name.js'
import { pairOf } from './x25519.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('../api/types.js').InvitationOpened} InvitationOpened
 * @typedef {{ home: string, slot: string, genesis: Bytes }} Place a pending slot, and the first entry's SHA-256
 * @typedef {object} InvitationSecret
 * @property {string} home
 * @property {string} slot the pending one
 * @property {Bytes} genesis SHA-256 of the home's first entry
 * @property {import('./x25519.js').KemPair} kem
 * @property {import('./ed25519.js').SignPair} sign
 * @property {import('../api/types.js').InvitationTicket} ticket shows the server that one has the link
 */

/** @param {Place} place @param {Bytes} secret 16 bytes @returns {Promise<InvitationSecret>} */
export async function invitationKeys({ home, slot, genesis }, secret) {
  /** @param {string} label */
  const part = (label) => hkdf(secret, concat(utf8(label), idBytes('hom', home), idBytes('slt', slot)))
  return {
    home,
    slot,
    genesis,
    kem: await pairOf(await part('ks/invite/v1/kem')),
    sign: await signPairOf(await part('ks/invite/v1/sign')),
    ticket: { home, slot, token: toB64(await part('ks/invite/v1/token')) },
  }
}

/** @param {string} publicUrl @param {Place} place @param {Bytes} secret */
export function invitationLink(publicUrl, { home, slot, genesis }, secret) {
  return `${publicUrl.replace(/\/+$/, '')}/join#${home}.${slot}.${toB64(secret)}.${toB64(genesis)}`
}

/**
 * @param {string} link the whole link, or what follows its `#`
 * @returns {Promise<InvitationSecret>}
 * @throws {BadLink}
 */
export async function readInvitationLink(link) {
  const parts = link.trim().slice(link.trim().indexOf('#') + 1).split('.')
  if (parts.length === 3) throw new BadLink(OLD_FORM)
  const [home, slot, secret, genesis] = parts
  if (parts.length !== 4 || !isId('hom', home) || !isId('slt', slot)) throw new BadLink()
  return invitationKeys({ home, slot, genesis: bytesOf(genesis, 32) }, bytesOf(secret, 16))
}

/** Links of three parts were made before they named the beginning; one whose end was cut off looks the same. */
const OLD_FORM = 'The end of this link is missing, or it was made by an older version of Keepsight. Ask the person who invited you for a new link.'

/** @param {string} text @param {number} length @throws {BadLink} */
function bytesOf(text, length) {
  try {
    return fromB64Of(text, length)
  } catch {
    throw new BadLink()
  }
}

/**
 * The home's name, to show before accepting.
 * @param {{ secret: InvitationSecret, opened: InvitationOpened }} invitation
 * @returns {Promise<string>}
 * @throws {import('./errors.js').Refusal}
 */
export async function invitedHomeName({ secret, opened }) {
  const { chain, epochSecret } = await enter(secret, opened)
  const pair = await proven(chain, chain.head.epoch, epochSecret)
  return openName({ open: { chain, epochs: new Map([[chain.head.epoch, pair]]) }, subject: secret.home, name: opened.name })
}

/**
 * @param {{ secret: InvitationSecret, opened: InvitationOpened, keys: import('./wrapped-keys.js').AccountKeys, pins: import('./pins.js').Pins }} invitation
 * @returns {Promise<import('../api/types.js').InvitationAccept>} the home is pinned as it was shown
 * @throws {import('./errors.js').Refusal}
 */
export async function acceptInvitation({ secret, opened, keys, pins }) {
  const { chain, epochSecret } = await enter(secret, opened, await pins.get(secret.home))
  await pins.raise(secret.home, chain.pin)
  await proven(chain, chain.head.epoch, epochSecret.slice())
  const next = acceptedEntry(chain, secret.slot, keys)
  checkNext(chain.head, next)
  const place = { home: secret.home, epoch: chain.head.epoch, slot: secret.slot }
  const sealed = await sealToSlot(place, keys.kemPublic, epochSecret)
  wipe(epochSecret)
  const entry = await signDocument(ENTRY_LABEL, writeEntry(next), secret.sign.privateKey)
  return { ticket: secret.ticket, entry, sealed }
}

/** @param {import('./chain.js').VerifiedChain} chain @param {string} slot @param {import('./wrapped-keys.js').AccountKeys} keys */
function acceptedEntry(chain, slot, { account, kemPublic, signPublic }) {
  const { head } = chain
  const slots = head.slots.map((one) => (one.slot === slot ? { ...one, account, kem: kemPublic, sign: signPublic } : one))
  return { ...head, seq: head.seq + 1, prev: head.hash, by: slot, slots }
}

/**
 * The chain that a server shows to the link's holder: the home that the link names, with the link's place still open. The place's keys alone
 * prove nothing: a server that makes up a home can copy them from the real one.
 * @param {InvitationSecret} secret @param {InvitationOpened['entries']} entries @param {import('./chain.js').Pin|null} pin
 * @returns {Promise<import('./chain.js').VerifiedChain>}
 * @throws {ChainRefused}
 */
export async function invitedChain(secret, entries, pin) {
  const chain = await verifyChain(secret.home, entries, pin)
  if (!equal(chain.genesis, secret.genesis)) throw new ChainRefused('invented_home')
  const pending = chain.head.slots.find(({ slot }) => slot === secret.slot)
  const own = pending?.account === null && equal(pending.kem, secret.kem.publicKey) && equal(pending.sign, secret.sign.publicKey)
  if (!own) throw new ChainRefused('not_invited', 'the invitation’s slot is gone or has other keys')
  return chain
}

/** @param {InvitationSecret} secret @param {InvitationOpened} opened @param {import('./chain.js').Pin|null} [pin] */
async function enter(secret, { entries, epoch, sealed }, pin = null) {
  const chain = await invitedChain(secret, entries, pin)
  if (epoch !== chain.head.epoch) throw new ChainRefused('epoch', `invited into epoch ${epoch}, the chain is at ${chain.head.epoch}`)
  const place = { home: secret.home, epoch, slot: secret.slot }
  return { chain, epochSecret: await openForSlot(place, secret.kem, sealed) }
}
