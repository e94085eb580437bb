// Who somebody is, in the browser: signing up, out and back in, devices, a shared computer, the recovery code. The server's answers get lost on
// purpose where that matters: people are told what is so, and nothing is done twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, person, picture, pictures } from './lib/browser.mjs';
import { BIN } from './lib/env.mjs';
import { PASSWORD, keepCode, inviteByLink, nameHome, playing, signIn, signUp, tiles } from './lib/people.mjs';
import { freePort, server, start } from './lib/processes.mjs';

const NEW = 'slate on the roof at noon';

/** What is asked at `path` arrives and is done, but its answer never comes. */
const loseAnswer = (page, path) => page.route(`**/api/v1${path}`, async (route) => { await route.fetch(); await route.abort(); });
/** What is asked at `path` never arrives. */
const cutOff = (page, path) => page.route(`**/api/v1${path}`, (route) => route.abort());

/** How the server answers who this browser is. */
const known = async (page) => (await page.request.get(new URL('/api/v1/account', page.url()).href)).status();
/** How many accounts' keys this browser holds. */
const keysKept = (page) => page.evaluate(async () => {
  const { Store } = await import('/crypto/idb.js');
  const store = await Store.open('keepsight', ['keys', 'pins']);
  return (await store.run('keys', 'readonly', (keys) => keys.count())).result;
});

const locked = (page) => page.getByRole('heading', { name: 'Locked on this device' });
const signInPage = (page) => page.getByRole('heading', { name: 'Sign in', level: 1 });
const events = (page) => page.getByRole('heading', { name: 'Events', level: 1 });

async function unlock(page, password = PASSWORD) {
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

test('an account: made, left, locked, recovered', { timeout: 240_000 }, async (t) => {
  const cloud = await server(t);
  const chromium = await browser(t);
  const profile = async () => (await person(t, chromium)).page;
  const elm = await profile();
  let code;

  await t.test('a sign-up whose answer got lost is not begun again', async () => {
    await elm.goto(cloud.url);
    await elm.getByRole('heading', { name: 'This server waits to be set up' }).waitFor();
    await pictures(elm, 'set-up-closed');
    const [link] = await cloud.process.says(/http:\S+\/set-up#\S+/);
    await elm.goto(link);
    await loseAnswer(elm, '/sign-up');
    await cutOff(elm, '/sign-in');
    code = await signUp(elm, 'elm', PASSWORD, { shared: true, look: (screen) => pictures(elm, `set-up-${screen}`) });
    await elm.getByText(/isn’t certain that your account was made/).waitFor();
    await elm.unroute('**/api/v1/sign-in');
    // Asked again, the server would say that the set-up link was used.
    await elm.getByRole('button', { name: 'Continue' }).click();
    await elm.getByLabel('What do you call your home?').waitFor();
    await elm.unrouteAll({ behavior: 'wait' });
    await pictures(elm, 'set-up-home');
    await nameHome(elm, '12 Elm Street');
    await elm.locator('#pair-code').filter({ hasText: '-' }).waitFor();
    await pictures(elm, 'set-up-box');
  });

  await t.test('on a shared computer nothing stays but being signed in', async () => {
    assert.equal(await keysKept(elm), 0, 'signed up there');
    await elm.reload();
    await locked(elm).waitFor();
    await pictures(elm, 'unlock');
    await unlock(elm, 'not the password');
    await elm.getByRole('alert').filter({ hasText: /password/i }).waitFor();
    await unlock(elm);
    await elm.getByRole('heading', { name: 'Add the box at home' }).waitFor();
    assert.equal(await keysKept(elm), 1, 'unlocked for good');
    await elm.goto(`${cloud.url}/events`);
    await events(elm).waitFor();

    const library = await profile();
    await signIn(library, cloud.url, 'elm', PASSWORD, { shared: true });
    await library.getByText('Nothing yet.').waitFor();
    assert.equal(await keysKept(library), 0, 'signed in there');
    await library.reload();
    await locked(library).waitFor();
    await library.getByRole('button', { name: 'Sign out' }).click();
    await signInPage(library).waitFor();
    assert.equal(await known(library), 401);
    await library.context().close();
  });

  await t.test('a browser that has lost its keys is locked, and opened by the password', async () => {
    await elm.evaluate(async () => (await (await import('/crypto/keystore.js')).Keystore.open({ shared: false })).wipeAll());
    await elm.goto(`${cloud.url}/cameras`);
    await locked(elm).waitFor();
    await unlock(elm);
    await elm.getByRole('heading', { name: 'Cameras', level: 1 }).waitFor();
    await elm.reload();
    await elm.getByRole('heading', { name: 'Cameras', level: 1 }).waitFor();
  });

  await t.test('one device is signed out, and then all others', async () => {
    const [phone, tablet, laptop] = [await profile(), await profile(), await profile()];
    for (const device of [phone, tablet, laptop]) await signIn(device, cloud.url, 'elm');
    await elm.goto(`${cloud.url}/account`);
    const others = elm.locator('[data-part=others] > li');
    await others.nth(2).waitFor();
    assert.equal(await others.count(), 3);
    await picture(elm, 'account-devices');
    const before = await Promise.all([phone, tablet, laptop].map(known));
    assert.deepEqual(before, [200, 200, 200]);
    await others.first().getByRole('button', { name: /^End / }).click();
    await elm.getByRole('button', { name: 'Sign it out' }).click();
    await others.nth(2).waitFor({ state: 'detached' });
    const left = await Promise.all([phone, tablet, laptop].map(known));
    assert.equal(left.filter((status) => status === 401).length, 1, `one of them is out: ${left}`);
    await elm.getByRole('button', { name: 'End all others' }).click();
    await elm.getByRole('button', { name: 'Sign out all others' }).click();
    await elm.locator('[data-part=others-section]').waitFor({ state: 'hidden' });
    for (const device of [phone, tablet, laptop]) {
      await signInPage(device).waitFor(); // by itself: its stream has ended
      assert.equal(await keysKept(device), 0);
      await device.context().close();
    }
    assert.equal(await known(elm), 200);
  });

  await t.test('a member joins on a shared computer', async () => {
    const link = await inviteByLink(elm, cloud.url);
    const oak = await profile();
    await oak.goto(link);
    await oak.getByRole('heading', { name: 'You are invited to 12 Elm Street' }).waitFor();
    await pictures(oak, 'join');
    await oak.getByRole('button', { name: 'I am new here' }).click();
    await signUp(oak, 'oak', PASSWORD, { shared: true });
    await oak.getByRole('button', { name: 'Join as oak' }).waitFor();
    await pictures(oak, 'join-as');
    await oak.getByRole('button', { name: 'Join as oak' }).click();
    await oak.getByText('Nothing yet.').waitFor();
    assert.equal(await keysKept(oak), 0);
    await oak.reload();
    await locked(oak).waitFor();
    await oak.context().close();
  });

  let second;
  await t.test('the recovery code opens the account again and is replaced; every other sign-in ends', async () => {
    const found = await profile();
    const enter = async (given, password) => {
      await found.goto(`${cloud.url}/recover`);
      await found.getByLabel('Name').fill('elm');
      await found.getByLabel('Recovery code').fill(given);
      await found.getByLabel('New password').fill(password);
    };
    await enter(`${code[0] === 'A' ? 'B' : 'A'}${code.slice(1)}`, NEW);
    await found.getByRole('button', { name: 'Continue' }).click();
    await found.getByRole('alert').filter({ hasText: /code/ }).waitFor();
    await enter(code, NEW);
    await found.getByRole('switch', { name: /shared computer/ }).check();
    await found.getByRole('button', { name: 'Continue' }).click();
    await found.getByRole('heading', { name: 'Keep your new recovery code' }).waitFor();
    // It never arrives: that is said, and nothing has changed.
    await cutOff(found, '/recovery/replace');
    second = await keepCode(found, (screen) => pictures(found, `recover-${screen}`));
    assert.notEqual(second, code);
    const uncertain = found.getByText(/isn’t certain that your new password and code are in force/);
    await uncertain.waitFor();
    await pictures(found, 'recover-failed');
    assert.equal(await known(elm), 200);
    // It is done, but the answer is lost: the new password is tried before the code that is used up.
    await found.unrouteAll({ behavior: 'wait' });
    await loseAnswer(found, '/recovery/replace');
    await found.getByRole('button', { name: 'Continue' }).click();
    await found.getByText('Nothing yet.').waitFor({ timeout: 15_000 });
    assert.equal(await keysKept(found), 0, 'a shared computer');
    await signInPage(elm).waitFor();
    assert.deepEqual([await known(elm), await keysKept(elm)], [401, 0]);
    await found.unrouteAll({ behavior: 'wait' });
    await found.goto(`${cloud.url}/account`).then(() => locked(found).waitFor());
    await unlock(found, NEW);
    await found.getByText('Signed in as').waitFor();
    assert.equal(await found.locator('[data-part=others] > li').count(), 0, 'nobody else is signed in');

    // Neither the old code nor the old password; the new ones.
    await found.context().clearCookies();
    await enter(code, 'yet another password');
    await found.getByRole('button', { name: 'Continue' }).click();
    await found.getByText('The name or the recovery code is wrong.').waitFor();
    await enter(second, 'yet another password');
    await found.getByRole('button', { name: 'Continue' }).click();
    await found.getByRole('heading', { name: 'Keep your new recovery code' }).waitFor();
    await found.context().close();
    await elm.getByLabel('Name').fill('elm');
    await elm.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await elm.getByRole('button', { name: 'Sign in' }).click();
    await elm.getByText('The name or the password is wrong.').waitFor();
    await signIn(elm, cloud.url, 'elm', NEW);
  });

  await t.test('a change of password or recovery code whose answer got lost', async () => {
    await elm.goto(`${cloud.url}/account`);
    await loseAnswer(elm, '/account/password');
    await elm.getByRole('button', { name: 'Change' }).click();
    await elm.getByLabel('Password now').fill(NEW);
    await elm.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await elm.getByRole('dialog').getByRole('button', { name: 'Change' }).click();
    await elm.getByRole('dialog').waitFor({ state: 'detached' }); // it was done, and the account says so
    await loseAnswer(elm, '/account/recovery');
    await elm.getByRole('button', { name: 'New code' }).click();
    await elm.getByRole('dialog').getByLabel('Password', { exact: true }).fill(PASSWORD);
    await elm.getByRole('dialog').getByRole('button', { name: 'Continue' }).click();
    await keepCode(elm);
    await elm.getByText(/isn’t certain which recovery code is in force/).waitFor();
    await elm.unrouteAll({ behavior: 'wait' });
    await elm.getByRole('button', { name: 'Change' }).click();
    await elm.getByLabel('Password now').fill(PASSWORD);
    await elm.getByLabel('New password', { exact: true }).fill(NEW);
    await elm.getByRole('dialog').getByRole('button', { name: 'Change' }).click();
    await elm.getByRole('dialog').waitFor({ state: 'detached' });
  });

  await t.test('a sign-out that the server has not heard is said, and made up for', async () => {
    await cutOff(elm, '/sign-out');
    await elm.goto(`${cloud.url}/account`);
    await elm.getByRole('button', { name: 'Sign out', exact: true }).click();
    const owed = elm.getByRole('heading', { name: 'Not signed out at the server yet' });
    await owed.waitFor();
    await pictures(elm, 'not-signed-out');
    assert.deepEqual([await known(elm), await keysKept(elm)], [200, 0], 'locked here, signed in there');
    await elm.goto(`${cloud.url}/events`);
    await owed.waitFor();
    await elm.unrouteAll({ behavior: 'wait' });
    await elm.getByRole('button', { name: 'Try again' }).click();
    await signInPage(elm).waitFor();
    assert.equal(await known(elm), 401);
    await elm.goto(`${cloud.url}/sign-up`);
    await elm.getByRole('heading', { name: 'You need an invitation' }).waitFor();
    await pictures(elm, 'sign-up');
    await elm.goto(`${cloud.url}/nothing`);
    await elm.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    await pictures(elm, 'nothing');
    await cutOff(elm, '/service');
    await elm.goto(cloud.url);
    await elm.getByRole('heading', { name: 'The server can’t be reached' }).waitFor();
    await pictures(elm, 'offline');
    await elm.unrouteAll({ behavior: 'wait' });
    await signIn(elm, cloud.url, 'elm', NEW); // and is owed no longer
    await elm.reload();
    await elm.getByText('Nothing yet.').waitFor();
  });
});

test('client state after switching accounts: nothing of the first is left in the second', { timeout: 180_000 }, async (t) => {
  const demo = start(t, BIN, ['demo', '--port', String(await freePort())]);
  const [, elm] = await demo.says(/12 Elm Street\s+(http:\/\/localhost:\S+)/);
  const [, oak] = await demo.says(/7 Oak Avenue\s+(http:\/\/127\.0\.0\.1:\S+)/);
  await demo.says(/12 Elm Street: the first Event/, 60_000);
  await demo.says(/7 Oak Avenue: the first Event/, 60_000);
  const { page, context } = await person(t, await browser(t));
  const url = new URL(elm).origin;
  await page.goto(elm);
  await tiles(page).first().waitFor({ timeout: 60_000 });
  const first = await tiles(page).first().evaluate((tile) => tile.pathname);
  const home = first.split('/')[2];
  await page.goto(`${url}/cameras`);
  await page.getByText('Hall').first().waitFor();
  // The second tab plays one of them, and has the list behind it.
  const second = await context.newPage();
  await second.goto(`${url}/events`);
  await tiles(second).first().click();
  await playing(second);
  const blobs = await second.evaluate(() => [...document.querySelectorAll('img, video')].map((one) => one.src).filter((src) => src.startsWith('blob:')));
  /** How many of them a page of this browser can show. */
  const still = (tab) => tab.evaluate(async (all) => (await Promise.all(all.map((src) => Object.assign(new Image(), { src }).decode().then(() => 1, () => 0)))).reduce((sum, one) => sum + one, 0), blobs);
  assert.ok(await still(second) > 0);

  await page.goto(`${url}/account`);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signInPage(page).waitFor();
  await signInPage(second).waitFor();
  await page.goto(oak.replace('127.0.0.1', 'localhost'));
  await tiles(page).first().waitFor({ timeout: 60_000 });
  await second.getByRole('navigation', { name: 'Pages' }).waitFor(); // whoever signs in is signed in there too

  const ofElm = new RegExp(`12 Elm Street|Hall|Garden|${home}`);
  for (const [name, tab] of [['the tab', page], ['the other tab', second]]) {
    for (const path of ['/events', '/cameras', '/people', '/account']) {
      await tab.goto(url + path);
      await tab.getByRole('heading', { level: 1 }).first().waitFor();
      await tab.waitForTimeout(300); // so that what is fetched is there
      assert.doesNotMatch(await tab.content(), ofElm, `${name}, ${path}`);
    }
    // By the history, and by the address.
    await tab.goto(url + first);
    await tab.getByText(/nothing here/i).first().waitFor();
    assert.equal(await tab.evaluate(() => document.querySelector('video')?.videoWidth ?? 0), 0);
    assert.doesNotMatch(await tab.locator('body').innerText(), /12 Elm Street|Hall|Garden/);
    assert.equal(await still(tab), 0, `${name}: a picture of the first account can still be shown`);
  }
  const kept = await page.evaluate(async () => {
    const { Keystore } = await import('/crypto/keystore.js');
    const { store } = await Keystore.open({ shared: false });
    const keys = (await store.run('keys', 'readonly', (all) => all.getAllKeys())).result;
    const me = (await (await fetch('/api/v1/account')).json()).account;
    return { others: keys.filter((account) => account !== me), storage: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]), caches: await caches.keys(), databases: (await indexedDB.databases()).map(({ name }) => name) };
  });
  assert.deepEqual(kept.others, [], 'only the second account has keys here');
  assert.deepEqual([kept.caches, kept.databases], [[], ['keepsight']]);
  assert.doesNotMatch(kept.storage, ofElm);
  for (let back = 0; back < 8; back++) {
    await page.goBack({ timeout: 3000 }).catch(() => {});
    if (!page.url().startsWith('http')) break;
    await page.waitForTimeout(100);
    assert.doesNotMatch(await page.locator('body').innerText(), /12 Elm Street|Hall|Garden/, `back at ${page.url()}`);
    assert.equal(await page.locator(`a.tile[href*="${home}"]`).count(), 0);
  }
});
