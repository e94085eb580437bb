// The preview strip: 8 to 10 small frames side by side in one picture.

import { BlobUrls } from './blobs.js'

/**
 * @param {{ opened: import('./event.js').OpenedEvent, signal?: AbortSignal }} what
 * @returns {Promise<{ url: string, frames: number, frameAt: (ms: number) => number, release: () => void }>} `frameAt` counts from the left, from 0
 * @throws {unknown} what fetching or opening it threw
 */
export async function openPreview({ opened, signal }) {
  const fetching = { ...(signal && { signal }) }
  const [strip, card] = await Promise.all([opened.segment('preview', 0, fetching), opened.card(fetching)])
  signal?.throwIfAborted()
  const urls = new BlobUrls()
  const url = urls.make(strip, 'image/jpeg')
  const frames = Math.max(1, card.preview_frames)
  const frameAt = (/** @type {number} */ ms) => Math.max(0, Math.min(frames - 1, Math.floor((ms / Math.max(1, card.duration_ms)) * frames)))
  return { url, frames, frameAt, release: () => urls.end() }
}
