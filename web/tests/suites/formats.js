// Text forms, strict JSON, identities: what must be read, and above all what must not.

import { fromB64, fromB64Of, toB64 } from '../../crypto/base64url.js'
import { concat, equal, random, textOf, u32, u64, utf8 } from '../../crypto/bytes.js'
import { fromBase32, readTyped, toBase32 } from '../../crypto/crockford.js'
import { idBytes, idText, isId, newId } from '../../crypto/ids.js'
import { boolean, integer, list, nullable, number, readJson, record, string } from '../../crypto/json.js'
import { parseJson } from '../../crypto/json-text.js'
import { ok, refused, same } from '../support/assert.js'

const shape = record({ v: integer(1, 1), n: integer(), o: nullable(integer()) })

/** @type {import('./index.js').Suite} */
export const formats = {
  name: 'formats',
  tests: {
    'bytes go to text and back'() {
      for (let length = 0; length < 70; length += 1) {
        const bytes = random(length)
        ok(equal(fromB64(toB64(bytes)), bytes), `base64url of ${length}`)
        ok(equal(fromBase32(toBase32(bytes)), bytes), `base32 of ${length}`)
      }
    },
    async 'base64url has one text form'() {
      for (const text of ['A', 'AB', 'AAB', '+A', 'A/', 'AA==', ' AA', 'AA\n', 'AAAA=', 'ä']) await refused(() => fromB64(text), text)
      await refused(() => fromB64Of('AAAA', 4))
    },
    'integers are big-endian'() {
      same([...concat(u32(0x01020304), u64(2 ** 40 + 5))], [1, 2, 3, 4, 0, 0, 1, 0, 0, 0, 0, 5])
    },
    async 'an identity has one text form and one kind'() {
      const home = newId('hom')
      same(idText('hom', idBytes('hom', home)), home)
      for (const text of [home.toUpperCase(), home.slice(0, -1), `${home}0`, home.replace('hom', 'cam'), `hom_${'0'.repeat(25)}1`, `hom_${'u'.repeat(26)}`, '', null, 7]) {
        ok(!isId('hom', text), String(text))
      }
      await refused(() => idBytes('cam', home))
    },
    'codes are read as people type them'() {
      same(readTyped(' o1-il\tzZ ', 6), '0111ZZ')
      same(readTyped('abc\u2013def', 6), 'ABCDEF')
      same(readTyped('u123', 4), null)
      same(readTyped('1234', 5), null)
    },
    'JSON in any order and spacing is read'() {
      same(readJson('{"v":1,"n":2,"o":null}', shape), { v: 1, n: 2, o: null })
      same(readJson(utf8(' {"o":3,\n"n":9007199254740991,"v":1} '), shape), { v: 1, n: 9007199254740991, o: 3 })
      same(readJson('["\\u00e4\\n", "\ud83d\ude00"]', list(string)), ['ä\n', '😀'])
      same(readJson('[0.5, 1e2, 3]', list(number)), [0.5, 100, 3])
      same(readJson('true', boolean), true)
    },
    async 'what is not wholly understood is refused'() {
      const texts = ['', '{}', '[1,2,null]', '{"v":1,"n":2}', '{"v":1,"n":2,"o":null,"x":1}', '{"v":1,"n":2,"n":2,"o":null}', '{"v":1,"n":2,"\\u006e":2,"o":null}']
      texts.push('{"v":2,"n":2,"o":null}', '{"v":1.0,"n":2,"o":null}', '{"v":1,"n":2e0,"o":null}', '{"v":1,"n":-1,"o":null}', '{"v":1,"n":-0,"o":null}')
      texts.push('{"v":1,"n":9007199254740992,"o":null}', '{"v":1,"n":02,"o":null}', '{"v":1,"n":2,"o":null} x', '\ufeff{"v":1,"n":2,"o":null}', "{'v':1,\"n\":2,\"o\":null}")
      texts.push('{"v":1,"n":2,"o":null,}', '{"v":1,"n":"2","o":null}', '{"v":1,"n":true,"o":null}', '{"v":1 "n":2,"o":null}', '{"__proto__":{},"v":1,"n":2,"o":null}')
      for (const text of texts) ok((await refused(() => readJson(text, shape), text)) instanceof SyntaxError, text)
      await refused(() => readJson(Uint8Array.of(0x22, 0xff, 0x22), string))
      await refused(() => readJson('"\\ud800"', string), 'half a character')
      await refused(() => readJson('"a\nb"', string), 'a line break in a text')
      await refused(() => parseJson('['.repeat(40) + ']'.repeat(40)), 'nesting')
    },
    async 'any text is read as JSON.parse reads it, or refused'() {
      const pieces = ['{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', '-2', '0.5', 'true', 'null', ' ']
      for (let i = 0; i < 3000; i += 1) {
        const text = Array.from({ length: 1 + (i % 9) }, () => pieces[random(1)[0] % pieces.length]).join('')
        const found = await Promise.resolve().then(() => parseJson(text)).then((value) => JSON.stringify(value, plain), () => null)
        const reference = await Promise.resolve().then(() => JSON.parse(text)).then((value) => JSON.stringify(value), () => null)
        ok(found === null || found === reference, `${text}: ${found} and ${reference}`)
        ok(found !== null || reference === null || /"(.)".*"\1"/.test(text), `${text} was refused`)
      }
    },
    async 'text that is not UTF-8 is refused'() {
      await refused(() => textOf(Uint8Array.of(0xc3, 0x28)))
    },
  },
}

/** @param {string} _key @param {any} value */
function plain(_key, value) {
  return value?.constructor?.name === 'Decimal' ? value.value : value
}
