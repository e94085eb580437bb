// Accounts: what is sent, what stays, what opens again; and where keys are kept.

import { changePassword, changeRecovery, newAccount, passwordLogin, recoverAccount, recoveryLogin, unlockAccount } from '../../crypto/account.js'
import { fromB64, toB64 } from '../../crypto/base64url.js'
import { random } from '../../crypto/bytes.js'
import { Keystore } from '../../crypto/keystore.js'
import { sha256 } from '../../crypto/hash.js'
import { newKeys, replacement } from '../../crypto/new-keys.js'
import { higherPin, memoryPins } from '../../crypto/pins.js'
import { normalRecoveryCode } from '../../crypto/recovery.js'
import { signedByOneOf, signDocument } from '../../crypto/ed25519.js'
import { utf8 } from '../../crypto/bytes.js'
import { ok, refused, refusedAs, same } from '../support/assert.js'
import { someKeys } from '../support/household.js'

/** What the server answers after a sign-up with this body. @param {any} body */
function accountOf({ account, name, password, kem, sign }) {
  return { account, name, session: '', parameters: password.parameters, wrapped: password.wrapped, kem, sign }
}

/** @type {import('./index.js').Suite} */
export const accounts = {
  name: 'accounts',
  tests: {
    async 'a password opens what was made with it, in any Unicode form, and no other does'() {
      const { body } = await newAccount({ name: 'elm', password: 'caf\u00e9 \ufb01re' })
      const account = accountOf(body)
      same(body.ticket, null)
      const halves = await passwordLogin('cafe\u0301 fire', account.parameters)
      same(halves.login, body.password.login)
      const keys = await unlockAccount(account, halves.wrap)
      same(toB64(keys.kemPublic), body.kem)
      ok(!keys.kem.extractable && !keys.sign.extractable, 'keys can be read back')
      await refused(crypto.subtle.exportKey('pkcs8', keys.kem))
      await refusedAs(unlockAccount(account, (await passwordLogin('cafe fire', account.parameters)).wrap), 'wrong_password')
    },
    async 'nothing that is sent tells the password, the code or a private key'() {
      const { body, recovery } = await newAccount({ name: 'elm', password: 'gravel under the porch' })
      const sent = JSON.stringify(body)
      ok(!sent.includes('gravel') && !sent.includes(recovery), 'a secret is in the body')
      same(fromB64(body.password.wrapped).length, 92)
      ok(body.password.login !== body.recovery.login && body.password.wrapped !== body.recovery.wrapped)
    },
    async 'keys that the account does not state are not taken'() {
      const { body } = await newAccount({ name: 'elm', password: 'one' })
      const { wrap } = await passwordLogin('one', body.password.parameters)
      await refusedAs(unlockAccount({ ...accountOf(body), kem: toB64(random(32)) }, wrap), 'damaged')
      const other = await newAccount({ name: 'oak', password: 'one' })
      await refusedAs(unlockAccount({ ...accountOf(body), account: other.body.account }, wrap), 'wrong_password')
    },
    async 'too few rounds are refused, whoever asks for them'() {
      for (const iterations of [1, 599_999, 600_000.5, NaN, 10_000_001]) {
        await refusedAs(async () => passwordLogin('one', { salt: toB64(random(16)), iterations }), 'damaged')
      }
    },
    async 'a password changes, the keys stay'() {
      const { body, keys } = await newAccount({ name: 'elm', password: 'old' })
      const change = await changePassword({ account: accountOf(body), oldPassword: 'old', newPassword: 'new' })
      same(change.login, body.password.login)
      ok(change.password.parameters.salt !== body.password.parameters.salt, 'the salt stayed')
      const after = accountOf({ ...body, password: change.password })
      const opened = await unlockAccount(after, (await passwordLogin('new', after.parameters)).wrap)
      same(toB64(opened.signPublic), toB64(keys.signPublic))
      await refusedAs(changePassword({ account: accountOf(body), oldPassword: 'wrong', newPassword: 'new' }), 'wrong_password')
    },
    async 'a recovery code opens the account, is replaced by its use, and is read as people type it'() {
      const { body, recovery, keys } = await newAccount({ name: 'elm', password: 'forgotten' })
      const typed = recovery.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')
      same(await normalRecoveryCode(typed), recovery)
      same((await recoveryLogin(typed)).login, body.recovery.login)
      const opened = { account: body.account, wrapped: body.recovery.wrapped }
      const again = await recoverAccount({ name: 'elm', code: typed, opened, newPassword: 'remembered' })
      ok(again.recovery !== recovery, 'the code stayed')
      same(toB64(again.keys.kemPublic), toB64(keys.kemPublic))
      const other = await newAccount({ name: 'oak', password: 'x' })
      await refusedAs(recoverAccount({ name: 'elm', code: other.recovery, opened, newPassword: 'y' }), 'damaged')
      const letter = recovery[0] === 'A' ? 'B' : 'A'
      await refusedAs(normalRecoveryCode(letter + recovery.slice(1)), 'wrong_code')
      await refusedAs(normalRecoveryCode(recovery.slice(1)), 'wrong_code')
      const renewed = await changeRecovery({ account: accountOf(body), password: 'forgotten' })
      ok(renewed.recovery !== recovery && renewed.body.login === body.password.login)
    },
    async 'new keys open with a new password and a new code, and the old key signs for them'() {
      const { body, keys: old } = await newAccount({ name: 'elm', password: 'forgotten' })
      const made = await newKeys({ account: body.account, password: 'remembered' })
      const sent = await replacement({ made, old, homes: [] })
      ok(!JSON.stringify(sent).includes(made.code) && made.code !== '', 'the code is in the body')
      ok(await signedByOneOf('ks/account-keys/v1', sent.statement, [old.signPublic]), 'not signed by the old key')
      const stated = JSON.parse(new TextDecoder().decode(fromB64(sent.statement.body)))
      same(Object.keys(stated), ['v', 'account', 'kem', 'sign', 'password', 'recovery'])
      same([stated.account, stated.kem, stated.sign], [body.account, toB64(made.keys.kemPublic), toB64(made.keys.signPublic)])
      same(stated.password, toB64(await sha256(fromB64(sent.password.login))))
      const account = { ...accountOf({ ...body, password: sent.password }), kem: stated.kem, sign: stated.sign }
      same(toB64((await unlockAccount(account, (await passwordLogin('remembered', account.parameters)).wrap)).signPublic), stated.sign)
      const opened = { account: body.account, wrapped: sent.recovery.wrapped }
      same(toB64((await recoverAccount({ name: 'elm', code: made.code, opened, newPassword: 'x' })).keys.kemPublic), stated.kem)
      await refusedAs(recoverAccount({ name: 'elm', code: made.code, opened: { ...opened, wrapped: body.recovery.wrapped }, newPassword: 'x' }), 'damaged')
    },
    async 'keys that were replaced are kept behind the new ones until nothing needs them'() {
      const store = await Keystore.open({ shared: true })
      const [old, other] = [await someKeys(), await someKeys()]
      const keys = { ...other, account: old.account }
      await store.save(old)
      await store.save(keys)
      await store.save(keys)
      const held = await store.load(old.account)
      same([toB64(held?.kemPublic ?? random(1)), held?.previous?.map((one) => toB64(one.kemPublic))], [toB64(keys.kemPublic), [toB64(old.kemPublic)]])
      const kept = async () => (await store.load(old.account))?.previous?.length
      await store.settle(keys, () => true)
      same(await kept(), 1, 'nobody has said in which homes they stand')
      const third = { ...(await someKeys()), account: old.account }
      await store.save(third, ['hom_a'])
      await store.settle(third, () => true)
      same(await kept(), 2, 'in which homes the first ones stand is still not known')
    },
    async 'keys that were replaced go when each home that they stood in has the new ones, and not when a list is short'() {
      const store = await Keystore.open({ shared: true })
      const [old, second, third] = [await someKeys(), await someKeys(), await someKeys()]
      second.account = third.account = old.account
      const kept = async () => (await store.load(old.account))?.previous?.length
      await store.save(old)
      await store.save(second, ['hom_a', 'hom_b'])
      await store.settle(second, () => false)
      await store.settle(second, (home) => home === 'hom_b')
      same(await kept(), 1)
      await store.save(third, ['hom_b'])
      await store.save(third)
      await store.settle(third, (home) => home === 'hom_b')
      same(await kept(), 2, 'the home of the first replacement has not got the last keys')
      await store.settle(third, () => true)
      same(await kept(), 0)
      await store.save(old, [])
      await store.settle(old, () => true)
      same(await kept(), 1, 'a server that named no home has not said that there is none')
    },
    async 'on a shared computer keys are in memory only'() {
      const store = await Keystore.open({ shared: true })
      const keys = await someKeys()
      await store.save(keys)
      ok(!store.lasting && (await store.load(keys.account)) !== null)
      same(await (await Keystore.open({ shared: true })).load(keys.account), null, 'another page')
      await store.wipe(keys.account)
      same(await store.load(keys.account), null)
    },
    async 'a pin is only raised'() {
      const pins = memoryPins()
      const genesis = random(32)
      const [low, high] = [{ genesis, seq: 1, hash: random(32) }, { genesis, seq: 4, hash: random(32) }]
      await pins.raise('hom_x', high)
      await pins.raise('hom_x', low)
      same((await pins.get('hom_x'))?.seq, 4)
      await refusedAs(() => higherPin(high, { ...high, hash: random(32) }), 'chain_refused', 'fork')
      await refusedAs(() => higherPin(high, { ...high, genesis: random(32) }), 'chain_refused', 'foreign_genesis')
    },
  },
}

/** @type {import('./index.js').Suite} */
export const keystore = {
  name: 'keystore',
  browserOnly: true,
  tests: {
    async 'keys outlive the page, still work, cannot be read back, and are wiped'() {
      const name = `test-${toB64(random(6))}`
      const keys = await someKeys()
      const first = await Keystore.open({ shared: false, name })
      ok(first.lasting, 'IndexedDB was not used')
      same(await first.load(keys.account), null, 'locked before')
      await first.save(keys)
      first.close()
      const second = await Keystore.open({ shared: false, name })
      const found = await second.load(keys.account)
      ok(found && !found.kem.extractable && !found.sign.extractable)
      await refused(crypto.subtle.exportKey('pkcs8', found.kem))
      const signed = await signDocument('ks/name/v1', utf8('x'), found.sign)
      ok(await signedByOneOf('ks/name/v1', signed, [keys.signPublic]))
      same(await second.load((await someKeys()).account), null, 'another account')
      await second.wipe(keys.account)
      same(await second.load(keys.account), null, 'wiped')
      await second.wipeAll()
      second.close()
    },
    async 'keys that were replaced outlive the page behind the new ones, and still sign'() {
      const name = `test-${toB64(random(6))}`
      const [old, other] = [await someKeys(), await someKeys()]
      const first = await Keystore.open({ shared: false, name })
      await first.save(old)
      await first.save({ ...other, account: old.account })
      first.close()
      const second = await Keystore.open({ shared: false, name })
      const found = await second.load(old.account)
      same(toB64(found?.signPublic ?? random(1)), toB64(other.signPublic))
      const [before] = found?.previous ?? []
      ok(await signedByOneOf('ks/name/v1', await signDocument('ks/name/v1', utf8('x'), before.sign), [old.signPublic]))
      await second.wipe(old.account)
      same(await second.load(old.account), null, 'wiped')
      second.close()
    },
    async 'pins stay with their account, are raised only, and survive a refusal'() {
      const name = `test-${toB64(random(6))}`
      const store = await Keystore.open({ shared: false, name })
      const genesis = random(32)
      const pin = { genesis, seq: 3, hash: random(32) }
      const pins = store.pins('acc_a')
      await pins.raise('hom_x', pin)
      same(await store.pins('acc_b').get('hom_x'), null)
      await refusedAs(pins.raise('hom_x', { ...pin, hash: random(32) }), 'chain_refused', 'fork')
      await pins.raise('hom_x', { genesis, seq: 2, hash: random(32) })
      same((await pins.get('hom_x'))?.seq, 3)
      await Promise.all([4, 6, 5].map((seq) => pins.raise('hom_x', { genesis, seq, hash: random(32) })))
      same((await pins.get('hom_x'))?.seq, 6)
      await store.wipe('acc_a')
      same((await pins.get('hom_x'))?.seq, 6, 'signing out keeps what catches a rollback')
      await store.wipeAll()
      same(await pins.get('hom_x'), null)
      store.close()
    },
  },
}
