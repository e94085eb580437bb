// QR codes are read back by somebody else's reader (jsqr), in every version that is drawn.

import { qr } from '../../crypto/qr.js'
import { ok, refused, same } from '../support/assert.js'

/** How many bytes fill a version at level M, and the one before. */
const FULL = [14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666]

/** @param {import('../../crypto/qr.js').Qr} code @returns {string|undefined} */
function decode({ size, dark }) {
  const scale = 3
  const width = size * scale
  const pixels = new Uint8ClampedArray(width * width * 4)
  for (let i = 0; i < width * width; i += 1) {
    const on = dark(Math.floor((i % width) / scale), Math.floor(i / width / scale))
    pixels.set(on ? [0, 0, 0, 255] : [255, 255, 255, 255], i * 4)
  }
  return /** @type {any} */ (globalThis).jsQR(pixels, width, width)?.data
}

/** @param {number} length */
function someText(length) {
  return Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7 + length) % 90))).join('')
}

/** @type {import('../suites/index.js').Suite} */
export const decoding = {
  name: 'qr',
  tests: {
    'every version is read back, full and with one byte more than the one before'() {
      FULL.forEach((full, i) => {
        for (const length of [full, (FULL[i - 1] ?? 0) + 1]) {
          const code = qr(someText(length))
          same((code.size - 8 - 17) / 4, i + 1, `version of ${length} bytes`)
          same(decode(code), someText(length), `${length} bytes`)
        }
      })
    },
    'an invitation’s link is read back'() {
      const link = `https://cameras.example:8443/join#hom_${'0'.repeat(26)}.slt_${'z'.repeat(26)}.${'A_-b'.repeat(5)}cg.${'x_-9'.repeat(10)}abc`
      const code = qr(link)
      same(decode(code), link)
      same((code.path.match(/M/g) ?? []).length, Array.from({ length: code.size ** 2 }, (_, i) => code.dark(i % code.size, Math.floor(i / code.size))).filter(Boolean).length)
      ok(!code.dark(0, 0) && !code.dark(3, 3) && code.dark(4, 4), 'the quiet zone')
    },
    async 'what is too long is refused'() {
      await refused(() => qr(someText(667)))
    },
  },
}
