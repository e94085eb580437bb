// The data half of a QR code (ISO/IEC 18004): text to codewords in byte mode with error correction level M, versions 1 to 20.

import { utf8 } from './bytes.js'

/** Error correction codewords per block, and blocks, by version. */
const PER_BLOCK = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26]
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16]

/** @param {number} version @returns {number} how many codewords, of data and of correction, fit */
function codewordsOf(version) {
  const alignments = version === 1 ? 0 : Math.floor(version / 7) + 2
  let modules = (16 * version + 128) * version + 64
  if (alignments > 0) modules -= (25 * alignments - 10) * alignments - 55
  if (version >= 7) modules -= 36
  return Math.floor(modules / 8)
}

/** @param {number} version */
function dataCodewordsOf(version) {
  return codewordsOf(version) - PER_BLOCK[version - 1] * BLOCKS[version - 1]
}

/**
 * @param {string} text
 * @returns {{ version: number, codewords: number[] }} interleaved, ready to be placed
 * @throws {RangeError} when it is too long
 */
export function qrCodewords(text) {
  const bytes = utf8(text)
  const version = PER_BLOCK.findIndex((_, i) => bytes.length + (i < 9 ? 2 : 3) <= dataCodewordsOf(i + 1)) + 1
  if (version === 0) throw new RangeError('too long for a QR code')
  return { version, codewords: interleaved(version, dataCodewords(version, bytes)) }
}

/** Mode, length, bytes, end and padding. @param {number} version @param {Uint8Array} bytes */
function dataCodewords(version, bytes) {
  const lengthBits = version < 10 ? 8 : 16
  let bits = '0100' + bytes.length.toString(2).padStart(lengthBits, '0')
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  bits += '0000'
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0')
  const words = (bits.match(/.{8}/g) ?? []).map((word) => parseInt(word, 2)).slice(0, dataCodewordsOf(version))
  for (let pad = 0xec; words.length < dataCodewordsOf(version); pad ^= 0xec ^ 0x11) words.push(pad)
  return words
}

/** Blocks of data, shorter ones first, taken column by column; then their correction likewise. @param {number} version @param {number[]} data */
function interleaved(version, data) {
  const [perBlock, count] = [PER_BLOCK[version - 1], BLOCKS[version - 1]]
  const short = Math.floor(data.length / count)
  const shortBlocks = count - (data.length % count)
  const blocks = []
  for (let i = 0, at = 0; i < count; i += 1) {
    const length = short + (i < shortBlocks ? 0 : 1)
    blocks.push(data.slice(at, at + length))
    at += length
  }
  const corrections = blocks.map((block) => correction(block, perBlock))
  return [...columns(blocks, short + 1), ...columns(corrections, perBlock)]
}

/** @param {number[][]} blocks @param {number} length of the longest */
function columns(blocks, length) {
  return Array.from({ length }, (_, i) => blocks.flatMap((block) => (i < block.length ? [block[i]] : []))).flat()
}

/** Reed-Solomon: the remainder of the block by the generator polynomial of this degree. @param {number[]} block @param {number} degree */
function correction(block, degree) {
  const generator = generatorOf(degree)
  const remainder = new Array(degree).fill(0)
  for (const word of block) {
    const factor = word ^ remainder.shift()
    remainder.push(0)
    generator.forEach((coefficient, i) => (remainder[i] ^= times(coefficient, factor)))
  }
  return remainder
}

/** The product of (x - 2^i), without its leading 1. @param {number} degree */
function generatorOf(degree) {
  const coefficients = new Array(degree).fill(0)
  coefficients[degree - 1] = 1
  for (let i = 0, root = 1; i < degree; i += 1, root = times(root, 2)) {
    for (let j = 0; j < degree; j += 1) coefficients[j] = times(coefficients[j], root) ^ (coefficients[j + 1] ?? 0)
  }
  return coefficients
}

/** In GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0
  for (let bit = 7; bit >= 0; bit -= 1) product = (product << 1) ^ ((product >>> 7) * 0x11d) ^ (((b >>> bit) & 1) * a)
  return product
}
