// A home with people and an agent, and the server's side of it kept in plain lists: what a server stores, a test can alter.

import { newAccount } from '../../crypto/account.js'
import { fromB64, toB64 } from '../../crypto/base64url.js'
import { random } from '../../crypto/bytes.js'
import { addAgent, genesis, inviteMember } from '../../crypto/chain-build.js'
import { ENTRY_LABEL, PRESETS, writeEntry } from '../../crypto/chain-entry.js'
import { signDocument, signPairOf } from '../../crypto/ed25519.js'
import { newEpoch, sealToSlot } from '../../crypto/epoch.js'
import { sha256 } from '../../crypto/hash.js'
import { openHome } from '../../crypto/home.js'
import { newId } from '../../crypto/ids.js'
import { acceptInvitation, readInvitationLink } from '../../crypto/invitation.js'
import { sealNameTo } from '../../crypto/name.js'
import { memoryPins } from '../../crypto/pins.js'
import { importKeys, newRawKeys } from '../../crypto/wrapped-keys.js'

/** Keys without a password: stretching is tested elsewhere. */
export function someKeys() {
  return importKeys(newRawKeys(newId('acc')))
}

export { newAccount }

export class Household {
  /** @type {any[]} */
  entries = []
  /** @type {any[]} */
  packages = []

  /** @param {string} [name] */
  static async found(name = '12 Elm Street') {
    const household = new Household()
    const keys = await someKeys()
    const { body, pin } = await genesis({ keys, name, timeZone: 'Europe/Berlin' })
    Object.assign(household, { home: body.home, name: body.name, entries: [body.genesis], packages: [body.epoch] })
    household.owner = { keys, pins: memoryPins() }
    await household.owner.pins.raise(body.home, pin)
    return household
  }

  /** @type {string} */ home = ''
  /** @type {any} */ name = null
  /** @type {{ keys: any, pins: any }} */ owner = /** @type {any} */ (null)

  /** What the server would answer to this person. @param {string|null} [slot] */
  chain(slot = null) {
    const epochs = this.packages.map((one) => ({ ...one, sealed: one.sealed.filter((/** @type {any} */ box) => slot === null || box.slot === slot) }))
    return { entries: [...this.entries], epochs }
  }

  /** @param {{ keys: any, pins: any }} [person] */
  open(person = this.owner) {
    return openHome({ home: { home: this.home }, chain: this.chain(), ...person })
  }

  /** What the server does with an append. @param {any} body */
  take({ entry, epoch, invitation, resealed }) {
    this.entries.push(entry)
    if (epoch) this.packages.push(epoch)
    if (resealed) {
      const { by } = JSON.parse(new TextDecoder().decode(fromB64(entry.body)))
      const newest = this.packages.at(-1)
      newest.sealed = [...newest.sealed.filter((/** @type {any} */ box) => box.slot !== by), { slot: by, ...resealed }]
    }
    if (invitation) this.invitation = invitation
  }

  /** @param {'owner'|'member'} rights */
  async invite(rights = 'member') {
    const { body, link, slot } = await inviteMember({ open: await this.open(), rights, publicUrl: 'https://cameras.example' })
    this.take(body)
    return { link, slot, opened: this.invitationOpened(body) }
  }

  /** @param {any} body of the append that made it */
  invitationOpened({ invitation }) {
    return { entries: [...this.entries], epoch: this.packages.length, sealed: invitation.sealed, name: this.name, expires: 0 }
  }

  /** Somebody accepts an invitation. @param {'owner'|'member'} [rights] */
  async join(rights = 'member') {
    const { link, slot, opened } = await this.invite(rights)
    const person = { keys: await someKeys(), pins: memoryPins() }
    const secret = await readInvitationLink(link)
    const accepted = await acceptInvitation({ secret, opened, ...person })
    this.entries.push(accepted.entry)
    this.packages.at(-1).sealed.push({ slot, ...accepted.sealed })
    return { ...person, slot }
  }

  /** An agent that is paired already. */
  async pair() {
    const sign = await signPairOf(random(32))
    const agent = newId('agt')
    this.take(await addAgent({ open: await this.open(), answer: { agent, sign: sign.publicKey }, lookup: '00000000' }))
    return { agent, sign }
  }

  /** The JSON of an entry, changed, under the old signature: what a server could try. @param {number} seq @param {(entry: any) => void} change */
  alter(seq, change) {
    const entry = JSON.parse(new TextDecoder().decode(fromB64(this.entries[seq].body)))
    change(entry)
    this.entries[seq] = { ...this.entries[seq], body: toB64(new TextEncoder().encode(JSON.stringify(entry))) }
  }
}

/**
 * What a lying server could show to an invitee: a home of its own making with the real one's identity and name, an owner of its own, and in it
 * the open place as it stands in the real chain.
 * @param {{ home: string, chain: import('../../crypto/chain.js').VerifiedChain }} real @param {string} slot the invitation's @param {string} name
 */
export async function inventedHome({ home, chain }, slot, name) {
  const { account, kemPublic: kem, signPublic, sign } = await someKeys()
  const [by, begun] = [newId('slt'), await newEpoch()]
  const owner = { slot: by, account, rights: [...PRESETS.owner], cameras: null, from: 0, until: null, kem, sign: signPublic }
  const place = chain.head.slots.find((one) => one.slot === slot)
  if (!place) throw new Error('the invitation is open')
  const epochKey = begun.pair.publicKey
  const first = { v: /** @type {const} */ (1), home, seq: 0, prev: null, epoch: 1, epoch_key: epochKey, by, slots: [owner], agents: [] }
  const bytes = writeEntry(first)
  const second = writeEntry({ ...first, seq: 1, prev: await sha256(bytes), slots: [owner, place] })
  return {
    entries: [await signDocument(ENTRY_LABEL, bytes, sign), await signDocument(ENTRY_LABEL, second, sign)],
    epoch: 1,
    sealed: await sealToSlot({ home, epoch: 1, slot }, place.kem, begun.secret),
    name: await sealNameTo({ home, epoch: 1, epochKey, by, sign }, home, name),
    expires: 4_000_000_000_000,
  }
}
