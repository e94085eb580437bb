// Runs one case of the shared vectors (crates/seal/vectors, README there) against web/crypto. An operation returns what can be compared; keys
// that cannot be read back are compared by what they do.

import { aesKey, aesSeal } from '../../crypto/aes.js'
import { fromB64, fromB64Of, toB64 } from '../../crypto/base64url.js'
import { utf8 } from '../../crypto/bytes.js'
import { verifyChain } from '../../crypto/chain.js'
import { signDocument, signPairOf, signedByOneOf } from '../../crypto/ed25519.js'
import { openEpochs } from '../../crypto/epoch.js'
import { Damaged, Locked } from '../../crypto/errors.js'
import { derive, hkdf, hkdfKey, sha256 } from '../../crypto/hash.js'
import { openHeader } from '../../crypto/header.js'
import { hpkeOpen, hpkeSeal } from '../../crypto/hpke.js'
import { invitedChain, readInvitationLink } from '../../crypto/invitation.js'
import { openName } from '../../crypto/name.js'
import { replacement } from '../../crypto/new-keys.js'
import { checkAnswer } from '../../crypto/pairing.js'
import { fromBase32 } from '../../crypto/crockford.js'
import { concat } from '../../crypto/bytes.js'
import { splitPassword } from '../../crypto/password.js'
import { normalRecoveryCode, readRecoveryCode, splitRecovery } from '../../crypto/recovery.js'
import { SegmentKeys, openSegment } from '../../crypto/segment.js'
import { importKeys, unwrapKeys } from '../../crypto/wrapped-keys.js'
import { pairOf } from '../../crypto/x25519.js'
import { readCard, readTrailer } from '../../media/card.js'
import { ok, same } from './assert.js'

/** What the vectors call it, and what may come of it here: `kind`, or `kind:reason` of a chain. */
const CHAIN_OTHERS = ['chain_refused:rule', 'chain_refused:member_key', 'chain_refused:agent_key', 'chain_refused:epoch']
export const REFUSALS = {
  cannot_open: ['damaged', 'locked'],
  commitment: ['damaged'],
  malformed: ['damaged', 'chain_refused:malformed', 'wrong_code'],
  too_large: ['damaged', 'chain_refused:malformed'],
  too_many: ['chain_refused:malformed'],
  bad_signature: ['damaged', 'chain_refused:bad_signature'],
  not_what_was_asked_for: ['did_not_belong'],
  foreign_home: ['did_not_belong', 'chain_refused:foreign_home'],
  epoch_not_open: ['locked'],
  no_recipient: ['locked'],
  unknown_epoch: ['locked', 'chain_refused:epoch'],
  epoch_mismatch: ['chain_refused:epoch'],
  agent_not_listed: ['chain_refused:foreign_agent'],
  author_not_listed: ['chain_refused:bad_signature'],
  invitation_link: ['bad_link'],
  invitation_not_listed: ['chain_refused:not_invited'],
  not_the_invited_home: ['chain_refused:invented_home'],
  other_certificate: ['wrong_code'],
  other_offer: ['wrong_code'],
  pairing_mac: ['wrong_code'],
  recovery_code: ['wrong_code'],
  password_parameters: ['damaged'],
  bad_entry_signature: ['chain_refused:bad_signature'],
  unknown_author: ['chain_refused:bad_signature'],
  bad_genesis: ['chain_refused:rule'],
  broken_link: ['chain_refused:fork'],
  chain_empty: ['chain_refused:malformed'],
  chain_gap: ['chain_refused:malformed'],
  epoch_jump: ['chain_refused:epoch'],
  epoch_key_mixed: ['chain_refused:epoch'],
  rotation_missing: ['chain_refused:epoch'],
  foreign_slot_replaced: ['chain_refused:member_key'],
  fork: ['chain_refused:fork'],
  invitation_overreach: CHAIN_OTHERS,
  not_an_owner: CHAIN_OTHERS,
  nothing_changed: ['chain_refused:rule'],
  no_owner: ['chain_refused:rule'],
  other_genesis: ['chain_refused:foreign_genesis'],
  repeated_account: ['chain_refused:rule'],
  repeated_agent: ['chain_refused:rule'],
  repeated_slot: ['chain_refused:rule'],
  rollback: ['chain_refused:rollback'],
  substituted_agent_key: ['chain_refused:agent_key'],
  substituted_epoch: ['chain_refused:epoch'],
  substituted_member_key: ['chain_refused:member_key'],
}

/** Reading a code and an offer is the agent's side, reading a hand-over the server's: a browser has no such function. */
export const NOT_OURS = ['read_code', 'open_offer', 'read_hand_over']

/** @type {Record<string, Record<string, (input: any, expect: any) => Promise<unknown>>>} */
const OPERATIONS = {
  hpke: {
    async seal({ recipient_public, ephemeral_private, info, plain }) {
      const pair = await pairOf(fromB64(ephemeral_private))
      return texts(await hpkeSeal(fromB64(recipient_public), fromB64(info), fromB64(plain), pair))
    },
    async open({ recipient_private, info, enc, ct }) {
      return { plain: toB64(await hpkeOpen(await pairOf(fromB64(recipient_private)), fromB64(info), box({ enc, ct }))) }
    },
  },
  primitives: {
    async hkdf({ secret, info }) {
      return { okm: toB64(await hkdf(fromB64(secret), fromB64(info))) }
    },
    async sign({ seed, label, document }) {
      const pair = await signPairOf(fromB64(seed))
      const signed = await signDocument(label, fromB64(document), pair.privateKey)
      return { public: toB64(pair.publicKey), signature: signed.signature }
    },
    async verify({ public: key, label, signed }) {
      if (!(await signedByOneOf(label, signed, [fromB64(key)]).catch(() => false))) throw new Damaged('signature')
      return {}
    },
  },
  password: {
    async split({ password, salt, iterations }, expect) {
      return halves(await splitPassword(password, { salt, iterations }), expect)
    },
  },
  account: {
    async unwrap({ account, wrap, wrapped }, expect) {
      const raw = await unwrapKeys(account, wrapped, await aesKey(fromB64(wrap)))
      const secrets = { kem_private: toB64(raw.bytes.slice(0, 32)), sign_seed: toB64(raw.bytes.slice(32)) }
      const keys = await importKeys(raw, expect && { kem: fromB64(expect.kem_public), sign: fromB64(expect.sign_public) })
      return { ...secrets, kem_public: toB64(keys.kemPublic), sign_public: toB64(keys.signPublic) }
    },
    async hand_over({ account, old_seed, kem_private, sign_seed, password_login, recovery_login }) {
      const keys = await importKeys({ account, bytes: concat(fromB64(kem_private), fromB64(sign_seed)) })
      const made = /** @type {any} */ ({ keys, password: { login: password_login }, recovery: { login: recovery_login } })
      const old = /** @type {any} */ ({ sign: (await signPairOf(fromB64(old_seed))).privateKey })
      return { statement: (await replacement({ made, old, homes: [] })).statement }
    },
  },
  recovery: {
    async read({ text }, expect) {
      const bytes = await readRecoveryCode(text)
      return { text: await normalRecoveryCode(text), ...(await halves(await splitRecovery(bytes), expect)) }
    },
  },
  invitation: {
    async read({ link }, expect) {
      const { home, slot, genesis, kem, sign, ticket } = await readInvitationLink(link)
      await sameSecret(expect.kem_private, kem.publicKey)
      same(toB64((await signPairOf(fromB64(expect.sign_seed))).publicKey), toB64(sign.publicKey))
      const token_hash = toB64(await sha256(fromB64(ticket.token)))
      const { kem_private, sign_seed } = expect
      return { home, slot, genesis: toB64(genesis), kem_private, sign_seed, kem_public: toB64(kem.publicKey), sign_public: toB64(sign.publicKey), token: ticket.token, token_hash }
    },
    async enter({ link, entries, pin }) {
      const chain = await invitedChain(await readInvitationLink(link), entries, pinOf(pin))
      return { seq: chain.seq, hash: toB64(chain.hash), genesis: toB64(chain.genesis) }
    },
  },
  pairing: {
    async open_answer({ code, offer, answer, mac }) {
      const digits = fromBase32(code.replaceAll('-', '').toLowerCase())
      const key = await hkdf(digits.slice(5), concat(utf8('ks/pair/v1'), digits.slice(0, 5)))
      const { tls } = JSON.parse(new TextDecoder().decode(fromB64(offer)))
      const secret = /** @type {any} */ ({ key, offer: fromB64(offer), tls })
      const { agent, sign } = await checkAnswer(secret, { answer, mac })
      return { agent, sign: toB64(sign), tls: JSON.parse(new TextDecoder().decode(fromB64(answer))).tls }
    },
  },
  chain: {
    async verify({ home, entries, pin }) {
      const chain = await verifyChain(home, entries, pinOf(pin))
      const { epoch, epoch_key } = chain.head
      return { seq: chain.seq, hash: toB64(chain.hash), genesis: toB64(chain.genesis), epoch, epoch_key: toB64(epoch_key) }
    },
  },
  epochs: {
    async open({ home, entries, slot, kem_private, packages }, expect) {
      const chain = await verifyChain(home, entries)
      const open = await openEpochs(chain, packages, { slot, pair: await pairOf(fromB64(kem_private)) })
      const wanted = Object.entries(expect?.secrets ?? {})
      for (const [epoch, secret] of wanted) await sameSecret(secret, open.get(Number(epoch))?.publicKey)
      if (!open.has(chain.head.epoch) || (!expect && open.size < chain.head.epoch)) throw new Locked('an epoch')
      same([...open.keys()].sort(), wanted.map(([epoch]) => Number(epoch)).sort())
      return expect
    },
  },
  header: {
    async open({ home, entries, asked, header, secrets }, expect) {
      const open = { ...(await homeWith(home, entries, secrets)), slot: '', keys: /** @type {any} */ (null) }
      return headerFacts(await openHeader({ open, asked, signed: header }), expect)
    },
    async open_as_guest({ home, entries, asked, header, slot, kem_private }, expect) {
      const pair = await pairOf(fromB64(kem_private))
      const keys = /** @type {any} */ ({ kem: pair.privateKey, kemPublic: pair.publicKey })
      const open = { ...(await homeWith(home, entries, {})), slot, keys }
      return headerFacts(await openHeader({ open, asked, signed: header }), expect)
    },
  },
  segment: {
    async open({ asked, header_sha256, content_key, sealed }) {
      const { kind, number, ...place } = asked
      const key = await hkdfKey(fromB64Of(content_key, 32))
      const keys = new SegmentKeys(/** @type {any} */ ({ place, hash: fromB64(header_sha256), key }))
      return { plain: toB64(await openSegment(keys, kind, number, fromB64(sealed))) }
    },
  },
  content: {
    async card({ document }) {
      readCard(utf8(document))
      return {}
    },
    async trailer({ document }) {
      readTrailer(utf8(document))
      return {}
    },
  },
  name: {
    async open({ home, entries, subject, name, secrets }) {
      return { text: await openName({ open: await homeWith(home, entries, secrets), subject, name }) }
    },
  },
}

/**
 * @param {string} file @param {any} vector a case @param {Record<string, any>} shared
 * @throws {Error} when it comes out otherwise than the vector says
 */
export async function runVector(file, vector, shared = {}) {
  const entries = vector.input.entries?.map((/** @type {any} */ entry) => (typeof entry === 'string' ? shared[entry] : entry))
  const input = { ...vector.input, ...(entries && { entries }) }
  const operation = OPERATIONS[file]?.[vector.operation]
  ok(operation, `no operation ${file} ${vector.operation}`)
  let found
  try {
    found = await operation(input, vector.expect)
  } catch (error) {
    if (!vector.refused) throw error
    const { kind, reason } = /** @type {any} */ (error)
    const known = /** @type {Record<string, string[]>} */ (REFUSALS)[vector.refused] ?? []
    ok(known.includes(reason ? `${kind}:${reason}` : kind), `refused as ${kind} ${reason ?? ''}, the vector says ${vector.refused}: ${error}`)
    return
  }
  ok(!vector.refused, `accepted, the vector says ${vector.refused}`)
  for (const [key, value] of Object.entries(vector.expect)) same(/** @type {any} */ (found)[key], value, key)
}

/** @param {any} pin as the vectors write it */
function pinOf(pin) {
  return pin && { genesis: fromB64(pin.genesis), seq: pin.seq, hash: fromB64(pin.hash) }
}

/** @param {any} facts @param {any} expect */
async function headerFacts({ header, hash, key }, expect) {
  const ours = await derive(key, utf8('probe'))
  if (expect) same(toB64(ours), toB64(await hkdf(fromB64(expect.content_key), utf8('probe'))), 'content key')
  return { header_sha256: toB64(hash), commitment: toB64(header.commitment), content_key: expect?.content_key }
}

/** @param {string} home @param {any[]} entries @param {Record<string, string>} secrets by epoch */
async function homeWith(home, entries, secrets) {
  const pairs = await Promise.all(Object.entries(secrets).map(async ([epoch, secret]) => /** @type {const} */ ([Number(epoch), await pairOf(fromB64(secret))])))
  return { chain: await verifyChain(home, entries), epochs: new Map(pairs) }
}

/** @param {{ login: string, wrap: CryptoKey }} found @param {any} expect */
async function halves({ login, wrap }, expect) {
  if (!expect) return { login }
  const nonce = new Uint8Array(12)
  const none = new Uint8Array()
  const byOurs = await aesSeal(wrap, nonce, none, utf8('probe'))
  same(toB64(byOurs), toB64(await aesSeal(await aesKey(fromB64(expect.wrap)), nonce, none, utf8('probe'))), 'wrap')
  return { login, wrap: expect.wrap }
}

/** @param {string} secret @param {Uint8Array|undefined} publicKey */
async function sameSecret(secret, publicKey) {
  ok(publicKey, 'no such key')
  same(toB64((await pairOf(fromB64(secret))).publicKey), toB64(publicKey))
}

/** @param {{ enc: string, ct: string }} sealed */
function box({ enc, ct }) {
  try {
    return { enc: fromB64Of(enc, 32), ct: fromB64(ct) }
  } catch {
    throw new Damaged('box')
  }
}

/** @param {{ enc: Uint8Array, ct: Uint8Array }} sealed */
function texts({ enc, ct }) {
  return { enc: toB64(enc), ct: toB64(ct) }
}
