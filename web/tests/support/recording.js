// The agent's side in small: seals an Event as docs/formats/sealed-media.md says, and serves it through something that looks like a `Client`.

import { aesKey, aesSeal } from '../../crypto/aes.js'
import { toB64 } from '../../crypto/base64url.js'
import { concat, random, u32, u8, utf8 } from '../../crypto/bytes.js'
import { signDocument } from '../../crypto/ed25519.js'
import { hkdf, sha256 } from '../../crypto/hash.js'
import { hpkeSeal } from '../../crypto/hpke.js'
import { idBytes, newId } from '../../crypto/ids.js'
import { KINDS, segmentIdentity, segmentNonce } from '../../crypto/segment.js'
import { ApiError } from '../../api/errors.js'

export class Recording {
  /**
   * @param {{ open: any, agent: { agent: string, sign: any }, camera?: string, change?: (header: any) => void }} of `change` spoils the header before it is signed
   */
  static async begin({ open, agent, camera = newId('cam'), change = () => {} }) {
    const [content, event] = [random(32), newId('evt')]
    const { home, epoch, epoch_key } = open.chain.head
    const info = concat(utf8('ks/event/v1'), idBytes('hom', home), idBytes('cam', camera), idBytes('evt', event), u32(epoch))
    const { enc, ct } = await hpkeSeal(epoch_key, info, content)
    const commitment = toB64(await hkdf(content, utf8('ks/commit/v1')))
    const recipients = [{ to: 'epoch', enc: toB64(enc), ct: toB64(ct) }]
    const header = { v: 1, home, camera, event, epoch, agent: agent.agent, captured: 1700000000000, clock_known: true, commitment, recipients }
    change(header)
    const bytes = utf8(JSON.stringify(header))
    const signed = await signDocument('ks/event-header/v1', bytes, agent.sign.privateKey)
    return new Recording({ home, camera, event }, content, await sha256(bytes), signed)
  }

  /** @param {any} place @param {Uint8Array<ArrayBuffer>} content @param {Uint8Array<ArrayBuffer>} hash @param {any} signed */
  constructor(place, content, hash, signed) {
    this.place = place
    this.content = content
    this.hash = hash
    this.signed = signed
    /** @type {Map<string, Uint8Array<ArrayBuffer>>} what the server stores, by kind/number */
    this.stored = new Map()
    /** @type {string[]} what was asked for */
    this.asked = []
    /** @type {((name: string, signal?: AbortSignal) => unknown)|null} runs before an answer */
    this.before = null
    this.complete = true
    this.received = Date.now()
  }

  /** @param {any} kind @param {number} number @param {Uint8Array<ArrayBuffer>} plain */
  async seal(kind, number, plain) {
    const key = await aesKey(await hkdf(this.content, concat(utf8('ks/seg/v1'), u8(KINDS.indexOf(kind)))))
    const identity = segmentIdentity(this.place, kind, number)
    const sealed = concat(identity, await aesSeal(key, segmentNonce(number), concat(identity, this.hash), plain))
    this.stored.set(`${kind}/${number}`, sealed)
    return sealed
  }

  /** @param {any} kind @param {number} number @param {unknown} document */
  sealJson(kind, number, document) {
    return this.seal(kind, number, utf8(JSON.stringify(document)))
  }

  /** The trailer that counts what was sealed. */
  async close() {
    const counts = Object.fromEntries(['init', 'video', 'audio', 'thumbnail', 'preview', 'card'].map((kind) => [kind, this.numbers(kind).length]))
    await this.sealJson('trailer', 0, { v: 1, counts })
  }

  /** @param {string} kind */
  numbers(kind) {
    return [...this.stored.keys()].filter((name) => name.startsWith(`${kind}/`)).map((name) => Number(name.split('/')[1]))
  }

  get row() {
    const { signed: header, complete, received } = this
    return { ...this.place, header, filed: 1700000000000, received, clock_unknown: false, complete, kept: false, seen: false, bytes: 1 }
  }

  /** @returns {any} */
  get detail() {
    const segments = [...this.stored].map(([name, bytes]) => {
      const [kind, number] = name.split('/')
      return { kind, number: Number(number), bytes: bytes.length, sha256: '' }
    })
    return { event: this.row, segments, newer: null, older: null }
  }

  /** A damaged bit. @param {string} name */
  damage(name) {
    const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (this.stored.get(name)).slice()
    bytes[bytes.length - 1] ^= 1
    this.stored.set(name, bytes)
  }

  /** @returns {any} a `Client` as far as media/ needs one */
  get client() {
    return {
      event: async () => {
        await this.before?.('event')
        return this.detail
      },
      segment: async (/** @type {string} */ _home, /** @type {string} */ _camera, /** @type {string} */ _event, /** @type {string} */ kind, /** @type {number} */ number, /** @type {string} */ purpose, /** @type {any} */ options) => {
        const name = `${kind}/${number}`
        this.asked.push(purpose === 'view' ? name : `${name} ${purpose}`)
        await this.before?.(name, options?.signal)
        options?.signal?.throwIfAborted()
        const bytes = this.stored.get(name)
        if (!bytes) throw new ApiError('not_found', 'There is nothing here.', { status: 404 })
        return bytes
      },
    }
  }
}

/** @param {Partial<{ duration_ms: number, segments_ms: number[], codec: string, sound: boolean, activity: [number, number][] }>} [about] */
export function someCard({ duration_ms = 6000, segments_ms = [2000, 2000, 2000], codec = 'avc1.42c00c', sound = false, activity = [] } = {}) {
  const video = { codec, width: 320, height: 180, segments_ms }
  const audio = sound ? { codec: 'mp4a.40.2', rate: 48000 } : null
  return { v: 1, label: 'motion', duration_ms, pre_roll_ms: 0, preview_frames: 10, motion: null, activity, video, audio }
}
