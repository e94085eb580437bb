// Points of small order: public keys that nobody made honestly. Sealing to one fails, and whether a signature under one is good depends on who
// verifies it; so a document with one in it is refused where it is read. The lists are complete (crates/seal/src/small_order.rs); the highest bit
// of an X25519 key is ignored, and an Ed25519 key's is the sign of x, which does not change the order.

/** 0, 1, -1, and the first two with the prime added: of small order on both curves. */
const BOTH = [hex(0x00, 0x00, 0x00), hex(0x01, 0x00, 0x00), hex(0xec, 0xff, 0x7f), hex(0xed, 0xff, 0x7f), hex(0xee, 0xff, 0x7f)]

const X25519 = new Set([
  ...BOTH,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
])

const ED25519 = new Set([
  ...BOTH,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

/** Whether every shared secret with this X25519 key is zero. @param {Uint8Array} key 32 bytes */
export function isSmallX25519(key) {
  return X25519.has(textOf(key))
}

/** Whether this Ed25519 key is a point of small order. @param {Uint8Array} key 32 bytes */
export function isSmallEd25519(key) {
  return ED25519.has(textOf(key))
}

/** @param {Uint8Array} key in hexadecimal digits, without its highest bit */
function textOf(key) {
  const bytes = Array.from(key)
  bytes[31] &= 0x7f
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param {number} lowest @param {number} between @param {number} highest */
function hex(lowest, between, highest) {
  return textOf(Uint8Array.from([lowest, ...new Array(30).fill(between), highest]))
}
