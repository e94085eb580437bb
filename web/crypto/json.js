// JSON as the formats have it: duplicate keys, unknown keys and missing keys are refused, at any depth. Only reading: what is signed
// is kept as the bytes that came.
//
// JSON.parse keeps the last of two equal keys in silence, so the text is scanned once for keys before it is believed.

import { textOf } from './bytes.js'

/**
 * @template T
 * @typedef {(value: unknown, at: string) => T} Check  throws SyntaxError
 */

const DEPTH_MAX = 32

/**
 * The value of a JSON text.
 * @template T
 * @param {Uint8Array|string} source
 * @param {Check<T>} check
 * @returns {T}
 * @throws {SyntaxError} for what is not JSON, has a key twice, or is not of the wanted shape
 */
export function readJson(source, check) {
  let text
  try {
    text = typeof source === 'string' ? source : textOf(source)
  } catch {
    throw new SyntaxError('not UTF-8')
  }
  const value = JSON.parse(text)
  refuseDuplicates(text)
  return check(value, '$')
}

/**
 * Refuses a key that occurs twice in one object. The text is valid JSON already.
 * @param {string} text
 */
function refuseDuplicates(text) {
  /** @type {(Set<string>|null)[]} one per open bracket: the keys of an object, null for an array */
  const open = []
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [part, colon] = found
    if (part === '{' || part === '[') open.push(part === '{' ? new Set() : null)
    else if (part === '}' || part === ']') open.pop()
    else if (colon !== undefined) addKey(open.at(-1), JSON.parse(part.slice(0, -colon.length)))
    if (open.length > DEPTH_MAX) throw new SyntaxError('nested too deep')
  }
}

/** @param {Set<string>|null|undefined} keys @param {string} key */
function addKey(keys, key) {
  if (!keys || keys.has(key)) throw new SyntaxError(`the key ${key} occurs twice`)
  keys.add(key)
}

/**
 * An object with exactly these keys.
 * @template {Record<string, Check<any>>} S
 * @param {S} shape
 * @returns {Check<{ [K in keyof S]: ReturnType<S[K]> }>}
 */
export function record(shape) {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError(`${at}: expected an object`)
    const source = /** @type {Record<string, unknown>} */ (value)
    const unknown = Object.keys(source).find((key) => !Object.hasOwn(shape, key))
    if (unknown !== undefined) throw new SyntaxError(`${at}: unknown key ${unknown}`)
    /** @type {any} */
    const result = {}
    for (const [key, check] of Object.entries(shape)) {
      if (!Object.hasOwn(source, key)) throw new SyntaxError(`${at}: ${key} is missing`)
      result[key] = check(source[key], `${at}.${key}`)
    }
    return result
  }
}

/**
 * @template T
 * @param {Check<T>} check
 * @param {number} [most]
 * @returns {Check<T[]>}
 */
export function list(check, most = Infinity) {
  return (value, at) => {
    if (!Array.isArray(value)) throw new SyntaxError(`${at}: expected a list`)
    if (value.length > most) throw new SyntaxError(`${at}: more than ${most}`)
    return value.map((item, i) => check(item, `${at}[${i}]`))
  }
}

/**
 * @template T
 * @param {Check<T>} check
 * @returns {Check<T|null>}
 */
export function nullable(check) {
  return (value, at) => (value === null ? null : check(value, at))
}

/**
 * @template {string|number} T
 * @param {...T} choices
 * @returns {Check<T>}
 */
export function oneOf(...choices) {
  return (value, at) => {
    const found = choices.find((choice) => choice === value)
    if (found === undefined) throw new SyntaxError(`${at}: expected one of ${choices.join(', ')}`)
    return found
  }
}

/** @type {Check<string>} */
export function string(value, at) {
  if (typeof value !== 'string') throw new SyntaxError(`${at}: expected a text`)
  return value
}

/** @type {Check<boolean>} */
export function boolean(value, at) {
  if (typeof value !== 'boolean') throw new SyntaxError(`${at}: expected true or false`)
  return value
}

/** @type {Check<number>} */
export function number(value, at) {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new SyntaxError(`${at}: expected a number`)
  return value
}

/**
 * A whole number within bounds, both included.
 * @param {number} least
 * @param {number} [most]
 * @returns {Check<number>}
 */
export function integer(least, most = Number.MAX_SAFE_INTEGER) {
  return (value, at) => {
    if (!Number.isSafeInteger(value) || Number(value) < least || Number(value) > most) {
      throw new SyntaxError(`${at}: expected a whole number from ${least} to ${most}`)
    }
    return Number(value)
  }
}
