// A JSON reader that loses nothing: JSON.parse keeps the last of two equal keys in silence and makes 2 of 2.0, this one refuses the first and
// tells the second apart. The grammar is RFC 8259's.

const DEPTH_MAX = 32
const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const WORD = /true|false|null/y

/** A number that was written with a fraction or an exponent: never a whole number, whatever its value. */
export class Decimal {
  /** @param {number} value */
  constructor(value) {
    this.value = value
  }
}

/**
 * @param {string} text
 * @returns {unknown} objects have no prototype; see `Decimal` for numbers
 * @throws {SyntaxError}
 */
export function parseJson(text) {
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.skip(SPACE)
  if (reader.at !== text.length) throw reader.unexpected()
  return value
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text
    this.at = 0
  }

  /** @param {number} depth @returns {unknown} */
  value(depth) {
    this.skip(SPACE)
    if (depth > DEPTH_MAX) throw new SyntaxError('nested too deep')
    const first = this.text[this.at]
    if (first === '{') return this.object(depth)
    if (first === '[') return this.array(depth)
    if (first === '"') return this.string()
    return first === '-' || (first >= '0' && first <= '9') ? this.number() : this.word()
  }

  /** @param {number} depth */
  object(depth) {
    /** @type {Record<string, unknown>} */
    const result = Object.create(null)
    this.items('}', () => {
      this.skip(SPACE)
      const key = this.string()
      if (Object.hasOwn(result, key)) throw new SyntaxError(`the key ${key} occurs twice`)
      this.skip(SPACE)
      this.expect(':')
      result[key] = this.value(depth + 1)
    })
    return result
  }

  /** @param {number} depth */
  array(depth) {
    /** @type {unknown[]} */
    const result = []
    this.items(']', () => result.push(this.value(depth + 1)))
    return result
  }

  /** What stands between brackets, separated by commas. @param {string} end @param {() => void} item */
  items(end, item) {
    this.at += 1
    this.skip(SPACE)
    if (this.taken(end)) return
    do {
      item()
      this.skip(SPACE)
    } while (this.taken(','))
    this.expect(end)
  }

  string() {
    const text = JSON.parse(this.token(STRING)[0])
    if (!text.isWellFormed()) throw new SyntaxError('half a character')
    return /** @type {string} */ (text)
  }

  number() {
    const [digits, fraction] = this.token(NUMBER)
    const value = Number(digits)
    return fraction !== '' || Object.is(value, -0) ? new Decimal(value) : value
  }

  word() {
    return JSON.parse(this.token(WORD)[0])
  }

  /** @param {RegExp} pattern sticky */
  skip(pattern) {
    pattern.lastIndex = this.at
    this.at += pattern.exec(this.text)?.[0].length ?? 0
  }

  /** @param {RegExp} pattern sticky */
  token(pattern) {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (!found) throw this.unexpected()
    this.at = pattern.lastIndex
    return found
  }

  /** @param {string} char */
  taken(char) {
    if (this.text[this.at] !== char) return false
    this.at += 1
    return true
  }

  /** @param {string} char */
  expect(char) {
    if (!this.taken(char)) throw this.unexpected()
  }

  unexpected() {
    return new SyntaxError(`unexpected text at ${this.at}`)
  }
}
