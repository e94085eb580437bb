// MediaSource, or ManagedMediaSource where that is all there is (iPhones): opening one on a <video> and taking it away again.

/**
 * @typedef {MediaSource & { streaming?: boolean }} AnySource
 */

/** @returns {(typeof MediaSource)|null} */
export function sourceClass() {
  const world = /** @type {{ MediaSource?: typeof MediaSource, ManagedMediaSource?: typeof MediaSource }} */ (/** @type {unknown} */ (globalThis))
  return world.ManagedMediaSource ?? world.MediaSource ?? null
}

/** @param {'video'|'audio'} kind @param {string} codec @returns {string} a MIME type */
export function mimeOf(kind, codec) {
  return `${kind}/mp4; codecs="${codec}"`
}

/** @param {string} mime */
export function canPlay(mime) {
  return sourceClass()?.isTypeSupported(mime) ?? false
}

/**
 * @param {HTMLMediaElement} element @param {AbortSignal} signal
 * @returns {Promise<AnySource>} open
 * @throws {unknown} the signal's reason; an Error when the browser has no MediaSource
 */
export function openSource(element, signal) {
  const Source = sourceClass()
  if (!Source) throw new Error('this browser has no MediaSource')
  const source = /** @type {AnySource} */ (new Source())
  element.disableRemotePlayback = true // a ManagedMediaSource does not open without
  const url = URL.createObjectURL(source)
  return new Promise((resolve, reject) => {
    const settle = (/** @type {() => void} */ act) => {
      URL.revokeObjectURL(url)
      signal.removeEventListener('abort', abort)
      act()
    }
    const abort = () => settle(() => reject(signal.reason))
    source.addEventListener('sourceopen', () => settle(() => resolve(source)), { once: true })
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) return abort()
    element.src = url
  })
}

/** Stops and clears the picture. @param {HTMLMediaElement} element */
export function clearSource(element) {
  element.pause()
  element.removeAttribute('src')
  element.load()
}

/** Whether the browser wants data now: a ManagedMediaSource says so, others always do. @param {AnySource} source */
export function isStreaming(source) {
  return source.streaming ?? true
}
