// What a browser adds to a home's chain: the beginning, invitations, removals, rights, agents, one's own new keys. Each builder gives the body to send; all
// of it happens on the server, or none. Every entry is checked against the rules that others will check it with.

import { fromB64, toB64 } from './base64url.js'
import { random, wipe } from './bytes.js'
import { ENTRY_LABEL, PRESETS, holdsEpochs, isOwner, writeEntry } from './chain-entry.js'
import { checkNext, losesTo } from './chain-rules.js'
import { signDocument } from './ed25519.js'
import { currentSecret, newEpoch, packEpoch, sealToSlot } from './epoch.js'
import { sha256 } from './hash.js'
import { ownPair } from './home.js'
import { newId } from './ids.js'
import { invitationKeys, invitationLink } from './invitation.js'
import { sealNameTo } from './name.js'
import { resealNames } from './name-again.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('./chain-entry.js').EntryBody} EntryBody
 * @typedef {import('./chain-entry.js').Slot} Slot
 * @typedef {import('./ed25519.js').Signed} Signed
 * @typedef {import('./home.js').OpenHome} OpenHome
 * @typedef {import('../api/types.js').ChainAppend} ChainAppend
 * @typedef {object} Around what a new epoch needs to know of the home
 * @property {Signed[]} names the home's and all its cameras'
 * @property {string[]} [listed] the slots that the server still lists: members, and invitations that have not lapsed
 */

/**
 * A new home with one owner.
 * @param {{ keys: import('./wrapped-keys.js').AccountKeys, name: string, timeZone: string }} wanted
 * @returns {Promise<{ body: import('../api/types.js').NewHome, pin: import('./chain.js').Pin, slot: string }>} `pin` is for `pins.raise`
 */
export async function genesis({ keys, name, timeZone }) {
  const [home, slot, begun] = [newId('hom'), newId('slt'), await newEpoch()]
  const owner = ownerSlot(slot, keys)
  const epochKey = begun.pair.publicKey
  const bytes = writeEntry({ v: 1, home, seq: 0, prev: null, epoch: 1, epoch_key: epochKey, by: slot, slots: [owner], agents: [] })
  const epoch = await packEpoch({ home, epoch: 1, slots: [owner], begun, before: null })
  wipe(begun.secret)
  const sealedName = await sealNameTo({ home, epoch: 1, epochKey, by: slot, sign: keys.sign }, home, name)
  const hash = await sha256(bytes)
  const entry = await signDocument(ENTRY_LABEL, bytes, keys.sign)
  return { body: { home, genesis: entry, epoch, name: sealedName, time_zone: timeZone }, pin: { genesis: hash, seq: 0, hash }, slot }
}

/**
 * An invitation that lets its holder into the home as it is.
 * @param {{ open: OpenHome, rights: 'owner'|'member', publicUrl: string }} wanted
 * @returns {Promise<{ body: ChainAppend, link: string, slot: string }>} the link is shown once: its secret is kept nowhere
 */
export async function inviteMember({ open, rights, publicUrl }) {
  const place = { home: open.home, slot: newId('slt'), genesis: open.chain.genesis }
  const secret = random(16)
  const invited = await invitationKeys(place, secret)
  const pending = { ...newSlot(place.slot, rights), kem: invited.kem.publicKey, sign: invited.sign.publicKey }
  const epochSecret = await currentSecret(open.chain, open.packages, holder(open))
  const { epoch } = open.chain.head
  const sealed = await sealToSlot({ home: place.home, slot: place.slot, epoch }, pending.kem, epochSecret)
  wipe(epochSecret)
  const tokenHash = toB64(await sha256(fromB64(invited.ticket.token)))
  const entry = await signNext(open, { slots: [...open.chain.head.slots, pending] })
  const invitation = { slot: place.slot, token_hash: tokenHash, sealed }
  return { body: { ...bare(entry), invitation }, link: invitationLink(publicUrl, place, secret), slot: place.slot }
}

/**
 * Removes a member or takes an invitation back; what is sealed from now on does not open for them.
 * @param {{ open: OpenHome, slot: string } & Around} wanted
 * @returns {Promise<ChainAppend>}
 */
export function removeSlot({ open, slot, ...around }) {
  return beginEpoch(open, { slots: open.chain.head.slots.filter((one) => one.slot !== slot) }, around)
}

/**
 * A new epoch for those who are in the home now; drops every slot that is not listed any longer.
 * @param {{ open: OpenHome } & Around} wanted
 * @returns {Promise<ChainAppend>}
 */
export function rotate({ open, ...around }) {
  const { listed } = around
  return beginEpoch(open, { slots: open.chain.head.slots.filter(({ slot }) => !listed || listed.includes(slot)) }, around)
}

/**
 * @param {{ open: OpenHome, slot: string, rights: 'owner'|'member' } & Around} wanted
 * @returns {Promise<ChainAppend>}
 */
export async function changeRights({ open, slot, rights, ...around }) {
  const before = open.chain.head.slots
  const slots = before.map((one) => (one.slot === slot ? { ...one, rights: [...PRESETS[rights]] } : one))
  const loses = before.some((one, i) => losesTo(one, slots[i]))
  return loses ? beginEpoch(open, { slots }, around) : bare(await signNext(open, { slots }))
}

/**
 * @param {{ open: OpenHome, answer: import('./pairing.js').PairAnswer, lookup: string }} wanted an answer that `checkAnswer` gave
 * @returns {Promise<ChainAppend>}
 */
export async function addAgent({ open, answer: { agent, sign }, lookup }) {
  const agents = [...open.chain.head.agents.filter((one) => one.agent !== agent), { agent, sign }]
  return { ...bare(await signNext(open, { agents })), pairing: lookup }
}

/** @param {{ open: OpenHome, agent: string }} wanted @returns {Promise<ChainAppend>} */
export async function removeAgent({ open, agent }) {
  return bare(await signNext(open, { agents: open.chain.head.agents.filter((one) => one.agent !== agent) }))
}

/**
 * Other keys in one's own place; the old ones, with which the home is open, sign for them. An owner begins a new epoch with it; a member seals
 * the current one's secret to the new keys, and the next owner begins one.
 * @param {{ open: OpenHome, keys: import('./wrapped-keys.js').AccountKeys } & Around} wanted
 * @returns {Promise<ChainAppend>}
 */
export async function handOver({ open, keys, ...around }) {
  const { slots: before, epoch } = open.chain.head
  const own = { ...slotIn(before, open.slot), kem: keys.kemPublic, sign: keys.signPublic }
  const slots = before.map((one) => (one.slot === open.slot ? own : one))
  if (isOwner(own)) return beginEpoch(open, { slots }, around, keys)
  const entry = await signNext(open, { slots })
  if (!holdsEpochs(own)) return bare(entry)
  const secret = await currentSecret(open.chain, open.packages, holder(open))
  const resealed = await sealToSlot({ home: open.home, epoch, slot: open.slot }, own.kem, secret)
  wipe(secret)
  return { ...bare(entry), resealed }
}

/**
 * An invitation that has lapsed gets no new epoch: whoever finds its link would open what comes with it.
 * @param {OpenHome} open @param {{ slots: Slot[] }} wanted @param {Around} around
 * @param {{ sign: CryptoKey }} [keys] those of one's own place from this entry on
 * @returns {Promise<ChainAppend>}
 */
async function beginEpoch(open, wanted, { names, listed }, keys = open.keys) {
  const change = { slots: wanted.slots.filter(({ slot, account }) => account !== null || !listed || listed.includes(slot)) }
  const { home } = open
  const number = open.chain.head.epoch + 1
  const begun = await newEpoch()
  const epochKey = begun.pair.publicKey
  const entry = await signNext(open, { ...change, epoch: number, epoch_key: epochKey })
  const before = await currentSecret(open.chain, open.packages, holder(open))
  const epoch = await packEpoch({ home, epoch: number, slots: change.slots, begun, before })
  wipe(before, begun.secret)
  const owner = { home, epoch: number, epochKey, by: open.slot, sign: keys.sign }
  return { ...bare(entry), epoch, names: await resealNames(open, owner, names) }
}

/** @param {OpenHome} open @param {Partial<EntryBody>} change @returns {Promise<Signed>} */
function signNext(open, change) {
  const { head } = open.chain
  const next = { ...head, ...change, seq: head.seq + 1, prev: head.hash, by: open.slot }
  checkNext(head, next)
  return signDocument(ENTRY_LABEL, writeEntry(next), open.keys.sign)
}

/** @param {Signed} entry @returns {ChainAppend} an entry that brings nothing with it */
function bare(entry) {
  return { entry, epoch: null, invitation: null, pairing: null, names: [], resealed: null }
}

/** @param {readonly Slot[]} slots @param {string} slot one that is there @returns {Slot} */
function slotIn(slots, slot) {
  return /** @type {Slot} */ (slots.find((one) => one.slot === slot))
}

/** @param {OpenHome} open */
function holder({ slot, keys }) {
  return { slot, pair: ownPair(keys) }
}

/** @param {string} slot @param {import('./wrapped-keys.js').AccountKeys} keys @returns {Slot} */
function ownerSlot(slot, { account, kemPublic, signPublic }) {
  return { ...newSlot(slot, 'owner'), account, kem: kemPublic, sign: signPublic }
}

/**
 * Without a beginning: owners and members see the home's whole history, and a browser whose clock is ahead must not lock anybody out.
 * @param {string} slot @param {'owner'|'member'} rights
 */
function newSlot(slot, rights) {
  return { slot, account: null, rights: [...PRESETS[rights]], cameras: null, from: 0, until: null }
}
