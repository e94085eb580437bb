// Which segment lies under a time. The card gives estimates, each opened segment gives its own times, and both may be absent: an Event that is
// still being recorded has no card. Pure.

/**
 * @typedef {'here'|'missing'|'damaged'|'did_not_belong'} PartState
 * @typedef {{ number: number, from_ms: number, until_ms: number, state: PartState }} Part
 * @typedef {{ duration_ms: number, segments: Part[], activity: [number, number][], complete: boolean }} Timeline times from the Event's first frame
 * @typedef {{ from: number, until: number }} Range seconds
 * @typedef {import('../api/types.js').EventDetail} EventDetail
 * @typedef {import('./card.js').Card} Card
 */

/** What a segment of unknown length is taken to last, in seconds. */
const GUESS = 2

/** An Event without an end after this long was cut short: no recording lasts so long. */
export const CUT_SHORT_MS = 15 * 60_000

/**
 * Whether nothing more of an Event will come: it is complete, or was cut short.
 * @param {{ complete: boolean, received: number }} row @param {number} now milliseconds since 1970
 */
export function isClosed({ complete, received }, now) {
  return complete || now - received > CUT_SHORT_MS
}

/** The segments of one track: which there are, where they lie, and which are lost. */
export class TrackTimes {
  constructor() {
    this.count = 0
    /** @type {number[]} seconds */
    this.estimates = []
    /** @type {Map<number, PartState>} */
    this.states = new Map()
    /** @type {Map<number, Range>} */
    this.learned = new Map()
  }

  /**
   * What is known from outside.
   * @param {{ numbers: number[], count: number, estimates_ms?: number[] }} known `count` is how many there will be at least
   */
  update({ numbers, count, estimates_ms }) {
    if (estimates_ms) this.estimates = estimates_ms.map((ms) => ms / 1000)
    this.count = Math.max(this.count, count, ...numbers.map((number) => number + 1))
    for (let number = 0; number < this.count; number += 1) {
      const state = this.states.get(number)
      if (numbers.includes(number) && (state === undefined || state === 'missing')) this.states.set(number, 'here')
      else if (state === undefined) this.states.set(number, 'missing')
    }
  }

  /** @param {number} number @param {Range} times of the segment itself */
  learn(number, times) {
    this.learned.set(number, times)
  }

  /** @param {number} number @param {PartState} state */
  mark(number, state) {
    this.states.set(number, state)
  }

  /** @param {number} number */
  isGood(number) {
    return this.states.get(number) === 'here'
  }

  /** @returns {Range[]} of all segments, by number */
  ranges() {
    /** @type {Range[]} */
    const ranges = []
    for (let number = 0; number < this.count; number += 1) {
      const from = ranges[number - 1]?.until ?? 0
      ranges.push(this.learned.get(number) ?? { from, until: from + (this.estimates[number] ?? GUESS) })
    }
    return ranges
  }

  /** @param {number} seconds @returns {number} the segment under this time, or the next one; `count` when there is none */
  at(seconds) {
    const found = this.ranges().findIndex(({ until }) => until > seconds + 0.001)
    return found < 0 ? this.count : found
  }

  /** @returns {number} seconds */
  get end() {
    return this.ranges().at(-1)?.until ?? 0
  }

  /** Whether nothing can be played between two times. @param {number} from @param {number} until seconds */
  isLostBetween(from, until) {
    return this.ranges().every((range, number) => range.until <= from + 0.05 || range.from >= until - 0.05 || !this.isGood(number))
  }
}

/**
 * @param {EventDetail} detail @param {'video'|'audio'} kind
 * @returns {number[]}
 */
export function numbersOf(detail, kind) {
  return detail.segments.filter((segment) => segment.kind === kind).map(({ number }) => number)
}

/**
 * What a page draws.
 * @param {TrackTimes} video @param {Card|null} card @param {boolean} complete
 * @returns {Timeline}
 */
export function timelineOf(video, card, complete) {
  const segments = video.ranges().map(({ from, until }, number) => ({
    number,
    from_ms: Math.round(from * 1000),
    until_ms: Math.round(until * 1000),
    state: video.states.get(number) ?? 'missing',
  }))
  return { duration_ms: card?.duration_ms ?? Math.round(video.end * 1000), segments, activity: card?.activity ?? [], complete }
}

/** @param {Timeline} timeline @param {number} ms @returns {Part|null} */
export function segmentAt(timeline, ms) {
  return timeline.segments.find(({ from_ms, until_ms }) => from_ms <= ms && ms < until_ms) ?? null
}

/** Where playing begins: a little before the activity. @param {Card|null} card @returns {number} seconds */
export function startOf(card) {
  const first = card?.activity[0]?.[0] ?? 0
  return Math.max(0, first / 1000 - 3)
}
