// A QR code as modules to draw: for links that must not pass through anybody's server to become a picture.

import { qrCodewords } from './qr-data.js'

/**
 * @typedef {{ size: number, dark: (x: number, y: number) => boolean, path: string }} Qr with the quiet zone; `path` is SVG path data, one unit a module
 */

const QUIET = 4

/** Which modules a mask turns (ISO/IEC 18004, 7.8.2). @type {((x: number, y: number) => boolean)[]} */
const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (_x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

/** @param {string} text @returns {Qr} @throws {RangeError} when it is too long */
export function qr(text) {
  const { version, codewords } = qrCodewords(text)
  const candidates = MASKS.map((_, mask) => new Drawing(version).fill(codewords, mask))
  const best = candidates.reduce((a, b) => (b.penalty() < a.penalty() ? b : a))
  const dark = (/** @type {number} */ x, /** @type {number} */ y) => best.dark[y - QUIET]?.[x - QUIET] ?? false
  return { size: best.size + 2 * QUIET, dark, path: best.path() }
}

class Drawing {
  /** @param {number} version */
  constructor(version) {
    this.version = version
    this.size = 17 + 4 * version
    /** @type {boolean[][]} rows */
    this.dark = Array.from({ length: this.size }, () => new Array(this.size).fill(false))
    /** @type {boolean[][]} modules that hold no data */
    this.fixed = Array.from({ length: this.size }, () => new Array(this.size).fill(false))
    this.#patterns()
  }

  /** @param {number[]} codewords @param {number} mask */
  fill(codewords, mask) {
    this.#format(mask)
    let bit = 0
    for (const [x, y] of this.#path()) {
      const word = codewords[bit >>> 3] ?? 0
      this.dark[y][x] = Boolean((word >>> (7 - (bit & 7))) & 1) !== MASKS[mask](x, y)
      bit += 1
    }
    return this
  }

  /** The order of data modules: pairs of columns from the right, up and down by turns, without the timing column. */
  *#path() {
    let up = true
    for (let right = this.size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5
      for (let i = 0; i < this.size; i += 1) {
        const y = up ? this.size - 1 - i : i
        for (const x of [right, right - 1]) if (!this.fixed[y][x]) yield [x, y]
      }
      up = !up
    }
  }

  /** @param {number} x @param {number} y @param {boolean} dark */
  #fix(x, y, dark) {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return
    this.dark[y][x] = dark
    this.fixed[y][x] = true
  }

  #patterns() {
    for (let i = 0; i < this.size; i += 1) {
      this.#fix(6, i, i % 2 === 0)
      this.#fix(i, 6, i % 2 === 0)
    }
    const far = this.size - 4
    for (const [x, y] of [[3, 3], [far, 3], [3, far]]) this.#rings(x, y, 4, [0, 1, 3])
    const places = this.#alignments()
    const last = places.length - 1
    places.forEach((x, i) => places.forEach((y, j) => {
      const atFinder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)
      if (!atFinder) this.#rings(x, y, 2, [0, 2])
    }))
    this.#format(0)
    this.#versionBits()
  }

  /** A square of rings around a centre. @param {number} x @param {number} y @param {number} radius @param {number[]} dark the rings that are */
  #rings(x, y, radius, dark) {
    for (let dy = -radius; dy <= radius; dy += 1) {
      for (let dx = -radius; dx <= radius; dx += 1) this.#fix(x + dx, y + dy, dark.includes(Math.max(Math.abs(dx), Math.abs(dy))))
    }
  }

  #alignments() {
    if (this.version === 1) return []
    const count = Math.floor(this.version / 7) + 2
    const step = Math.ceil((this.version * 4 + 4) / (count * 2 - 2)) * 2
    return [6, ...Array.from({ length: count - 1 }, (_, i) => this.size - 7 - (count - 2 - i) * step)]
  }

  /** Level M (00) and the mask, twice, protected by a BCH code. @param {number} mask */
  #format(mask) {
    const bits = ((mask << 10) | remainder(mask, 10, 0x537)) ^ 0x5412
    const bit = (/** @type {number} */ i) => Boolean((bits >>> i) & 1)
    for (let i = 0; i < 8; i += 1) {
      this.#fix(8, i < 6 ? i : i + 1, bit(i))
      this.#fix(this.size - 1 - i, 8, bit(i))
    }
    for (let i = 8; i < 15; i += 1) {
      this.#fix(i === 8 ? 7 : 14 - i, 8, bit(i))
      this.#fix(8, this.size - 15 + i, bit(i))
    }
    this.#fix(8, this.size - 8, true)
  }

  #versionBits() {
    if (this.version < 7) return
    const bits = (this.version << 12) | remainder(this.version, 12, 0x1f25)
    for (let i = 0; i < 18; i += 1) {
      const [a, b] = [this.size - 11 + (i % 3), Math.floor(i / 3)]
      this.#fix(a, b, Boolean((bits >>> i) & 1))
      this.#fix(b, a, Boolean((bits >>> i) & 1))
    }
  }

  /** How hard it is to read (7.8.3): runs, squares, patterns like finders, imbalance. */
  penalty() {
    const rows = this.dark.map((row) => row.map((dark) => (dark ? '1' : '0')).join(''))
    const lines = [...rows, ...rows.map((_, x) => rows.map((row) => row[x]).join(''))]
    let points = 0
    for (const line of lines) {
      for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) points += run.length - 2
      points += 40 * ((line.match(/(?=10111010000)/g) ?? []).length + (line.match(/(?=00001011101)/g) ?? []).length)
    }
    for (let y = 1; y < this.size; y += 1) {
      for (let x = 1; x < this.size; x += 1) {
        const square = rows[y].slice(x - 1, x + 1) + rows[y - 1].slice(x - 1, x + 1)
        if (square === '0000' || square === '1111') points += 3
      }
    }
    const share = rows.join('').replaceAll('0', '').length / this.size ** 2
    return points + 10 * Math.floor(Math.abs(share * 20 - 10))
  }

  path() {
    let path = ''
    this.dark.forEach((row, y) => row.forEach((dark, x) => {
      if (dark) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`
    }))
    return path
  }
}

/** The remainder of value * 2^degree by a polynomial over GF(2). @param {number} value @param {number} degree @param {number} polynomial */
function remainder(value, degree, polynomial) {
  let rest = value
  for (let i = 0; i < degree; i += 1) rest = (rest << 1) ^ ((rest >>> (degree - 1)) * polynomial)
  return rest
}
