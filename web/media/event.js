// An Event that was opened: its header belongs to what was asked for, an agent of the home signed it, and its content key is here.

import { openHeader } from '../crypto/header.js'
import { SegmentKeys, openSegment } from '../crypto/segment.js'
import { readCard, readTrailer } from './card.js'

/**
 * @typedef {import('../crypto/bytes.js').Bytes} Bytes
 * @typedef {import('../api/types.js').Event} Event
 * @typedef {import('../api/types.js').SegmentKind} SegmentKind
 * @typedef {import('./card.js').Card} Card
 * @typedef {import('./card.js').Trailer} Trailer
 * @typedef {{ signal?: AbortSignal, purpose?: import('../api/types.js').Purpose }} Fetching
 */

/**
 * Checks the row and its header, without fetching anything.
 * @param {{ client: import('../api/client.js').Client, open: import('../crypto/home.js').OpenHome, row: Event }} what
 * @returns {Promise<OpenedEvent>}
 * @throws {import('../crypto/errors.js').Refusal}
 */
export async function openEvent({ client, open, row }) {
  const asked = { home: row.home, camera: row.camera, event: row.event }
  return new OpenedEvent(client, await openHeader({ open, asked, signed: row.header }))
}

export class OpenedEvent {
  /** @param {import('../api/client.js').Client} client @param {import('../crypto/header.js').OpenedHeader} opened */
  constructor(client, opened) {
    this.client = client
    this.keys = new SegmentKeys(opened)
    this.header = opened.header
    const { home, camera, event } = opened.place
    this.home = home
    this.camera = camera
    this.event = event
    /** When its first frame was taken, in milliseconds since 1970. */
    this.captured = opened.header.captured
    /** @type {Card|null} once `card` has read it */
    this.knownCard = null
  }

  /**
   * Fetches a segment, compares what it states to be, opens it.
   * @param {SegmentKind} kind @param {number} number @param {Fetching} [fetching]
   * @returns {Promise<Bytes>}
   * @throws {import('../api/errors.js').ApiError|import('../crypto/errors.js').DidNotBelong|import('../crypto/errors.js').Damaged}
   */
  async segment(kind, number, { signal, purpose = 'view' } = {}) {
    const sealed = await this.client.segment(this.home, this.camera, this.event, kind, number, purpose, { ...(signal && { signal }) })
    const opened = await openSegment(this.keys, kind, number, sealed)
    signal?.throwIfAborted()
    return opened
  }

  /** @param {Fetching} [fetching] @returns {Promise<Card>} fetched once */
  async card(fetching) {
    this.knownCard ??= readCard(await this.segment('card', 0, fetching))
    return this.knownCard
  }

  /** @param {Fetching} [fetching] @returns {Promise<Trailer>} */
  async trailer(fetching) {
    return readTrailer(await this.segment('trailer', 0, fetching))
  }
}
