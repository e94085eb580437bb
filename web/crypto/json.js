// JSON as the formats have it: duplicate keys, unknown keys and missing keys are refused, at any depth. Only reading: what is signed
// is kept as the bytes that came.

import { textOf } from './bytes.js'
import { Decimal, parseJson } from './json-text.js'

/**
 * @template T
 * @typedef {(value: unknown, at: string) => T} Check  throws SyntaxError
 */

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
  return check(parseJson(text), '$')
}

/**
 * An object with exactly these keys.
 * @template {Record<string, Check<any>>} S
 * @param {S} shape
 * @returns {Check<{ [K in keyof S]: ReturnType<S[K]> }>}
 */
export function record(shape) {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Decimal) throw new SyntaxError(`${at}: expected an object`)
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
 * A list in which nothing stands twice.
 * @template {string|number} T
 * @param {Check<T>} check
 * @returns {Check<T[]>}
 */
export function unique(check) {
  return (value, at) => {
    const items = list(check)(value, at)
    if (new Set(items).size !== items.length) throw new SyntaxError(`${at}: something stands twice`)
    return items
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
  const plain = value instanceof Decimal ? value.value : value
  if (typeof plain !== 'number' || !Number.isFinite(plain)) throw new SyntaxError(`${at}: expected a number`)
  return plain
}

/**
 * A whole number within bounds, both included.
 * @param {number} least
 * @param {number} [most]
 * @returns {Check<number>}
 */
export function integer(least = 0, most = Number.MAX_SAFE_INTEGER) {
  return (value, at) => {
    if (!Number.isSafeInteger(value) || Number(value) < least || Number(value) > most) {
      throw new SyntaxError(`${at}: expected a whole number from ${least} to ${most}`)
    }
    return Number(value)
  }
}
