// TimeRanges as plain data, and what to do about a hole in them. Pure.

/**
 * @typedef {import('./timeline.js').Range} Range
 * @typedef {{ act: 'play' }|{ act: 'wait' }|{ act: 'nudge', to: number }|{ act: 'jump', to: number }|{ act: 'over' }} HoleStep
 */

/** Holes up to this are of no consequence to anybody: encoders' and containers' rounding. Seconds. */
const NUDGE = 0.1
/** At the very beginning, the first picture of a reordered stream may be shown this much later. Seconds. */
const NUDGE_AT_START = 0.5
/** How far before the end of what is there a browser may stop. Seconds. */
const STUCK_MARGIN = 0.25

/** @param {TimeRanges} ranges @returns {Range[]} */
export function rangesOf(ranges) {
  return Array.from({ length: ranges.length }, (_, i) => ({ from: ranges.start(i), until: ranges.end(i) }))
}

/** @param {Range[]} ranges @param {Range} wanted @param {number} slack how much may lack at either end */
export function covers(ranges, { from, until }, slack) {
  return ranges.some((range) => range.from <= from + slack && range.until >= until - slack)
}

/**
 * What to do at a time that may lie in a hole: known gaps are jumped (and told by the caller), tiny ones nudged, all others waited for.
 * @param {number} time seconds
 * @param {Range[]} buffered of all tracks together
 * @param {import('./timeline.js').TrackTimes} video
 * @param {{ complete: boolean, stuck: boolean }} how `complete`: nothing more will come; `stuck`: the browser has stopped for want of data, which it
 * does a little before the end of what is there
 * @returns {HoleStep}
 */
export function stepOverHole(time, buffered, video, { complete, stuck }) {
  const under = buffered.find(({ from, until }) => from <= time && time < until)
  const margin = stuck ? STUCK_MARGIN : 0.01
  if (under && time < under.until - margin) return { act: 'play' }
  const at = under?.until ?? time
  const next = buffered.find(({ from }) => from > at)
  if (next) {
    const small = at < 0.05 ? NUDGE_AT_START : NUDGE
    if (next.from - at <= small) return { act: 'nudge', to: next.from + 0.001 }
    return video.isLostBetween(at, next.from) ? { act: 'jump', to: next.from + 0.001 } : { act: 'wait' }
  }
  return complete && at < video.end - 0.05 && video.isLostBetween(at, video.end) ? { act: 'over' } : { act: 'wait' }
}
