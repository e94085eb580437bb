// "I lost a device": an owner and then a member replace their keys in the browser. They go on opening what was and what comes, and every other
// browser of theirs is out.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { browser, person, picture, sound } from './lib/browser.mjs';
import { addDemoCamera, playing, setUp, signIn, signUp, tiles } from './lib/people.mjs';
import { agentCli, folder, server } from './lib/processes.mjs';

const NEW = 'slate on the roof at noon';
const PHONE_DARK = { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true };

test('keys replaced after a loss: all stays open here, the lost browser is signed out', { timeout: 300_000 }, async (t) => {
  const dir = await folder(t);
  const data = path.join(dir, 'agent');
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const { page: elm } = await person(t, chromium);
  const { recovery } = await setUp(t, elm, cloud, data);
  const camera = await addDemoCamera(data);
  await elm.getByRole('link', { name: 'See your first Event' }).waitFor({ timeout: 90_000 });

  await elm.goto(`${cloud.url}/people`);
  await elm.getByRole('button', { name: 'Add someone' }).click();
  await elm.getByRole('button', { name: 'Make the link' }).click();
  await elm.getByRole('img', { name: /QR code/ }).waitFor();
  const link = await elm.getByRole('textbox', { name: 'Link' }).inputValue();
  const { page: oak } = await person(t, chromium, PHONE_DARK);
  await oak.goto(link);
  await oak.getByRole('button', { name: 'I am new here' }).click();
  await signUp(oak, 'oak');
  await oak.getByRole('button', { name: 'Join as oak' }).click();
  await tiles(oak).first().waitFor({ timeout: 60_000 });
  const { page: lost } = await person(t, chromium);
  await signIn(lost, cloud.url, 'elm');

  await elm.goto(`${cloud.url}/events`);
  await tiles(elm).first().waitFor({ timeout: 60_000 });
  const first = await tiles(elm).first().evaluate((tile) => tile.pathname);
  const [, home] = first.match(/\/(hom_[0-9a-z]+)\//);
  const epochOf = (event) => JSON.parse(Buffer.from(event.header.body, 'base64url')).epoch;
  const events = () => elm.evaluate(async (id) => (await (await fetch(`/api/v1/homes/${id}/events?limit=5`)).json()).events, home);
  async function recordedIn(epoch) {
    for (let tries = 0; tries < 150; tries++) {
      // Not too often: it would prolong the Event that is being recorded, which is of the epoch before.
      if (tries % 20 === 12) await agentCli(data, ['trigger', camera]);
      await elm.waitForTimeout(1000);
      const found = (await events()).find((one) => epochOf(one) === epoch && one.complete);
      if (found) return `/events/${found.home}/${found.camera}/${found.event}`;
    }
    const [row, seen] = [await elm.evaluate(async (id) => (await fetch(`/api/v1/homes/${id}`)).json(), home), await events()];
    throw new Error(`no Event of epoch ${epoch} came: ${JSON.stringify({ due: row.rotation_due, seq: row.chain_seq, seen: seen.map((one) => [epochOf(one), one.complete, one.filed]) })}`);
  }
  async function plays(page, at) {
    await page.goto(cloud.url + at);
    await playing(page);
  }

  // The owner: one flow, without the old password; the new epoch begins with it.
  const code = await replaceKeys(elm, cloud, 'owner');
  assert.notEqual(code, recovery);
  await lost.getByRole('heading', { name: /Sign in/, level: 1 }).waitFor({ timeout: 10_000 });
  const kept = await lost.evaluate(async () => {
    const { Store } = await import('/crypto/idb.js');
    const store = await Store.open('keepsight', ['keys', 'pins']);
    return (await store.run('keys', 'readonly', (keys) => keys.count())).result;
  });
  assert.equal(kept, 0, 'a browser that is signed out wipes its keys');
  await elm.getByRole('button', { name: 'Done' }).click();
  await plays(elm, first);
  const second = await recordedIn(2);
  await plays(elm, second);
  await plays(oak, second);
  await lost.getByLabel('Name').fill('elm');
  await lost.getByLabel('Password', { exact: true }).fill('a quiet street at night');
  await lost.getByRole('button', { name: 'Sign in' }).click();
  await lost.getByText('The name or the password is wrong.').waitFor();
  await signIn(lost, cloud.url, 'elm', NEW);
  await plays(lost, first);

  // A member, on a phone: the new keys open at once, and the owner's open browser begins the epoch that is due and shows whose keys changed.
  await elm.goto(`${cloud.url}/people`);
  await elm.getByText(/You replaced your keys/).waitFor();
  assert.equal(await elm.getByText(/^Replaced their keys/).count(), 0);
  await replaceKeys(oak, cloud, 'member');
  await oak.getByRole('button', { name: 'Done' }).click();
  await elm.getByText(/^Replaced their keys .* If that was not oak, remove them/).waitFor({ timeout: 20_000 });
  await picture(elm, 'people-keys-replaced');
  const third = await recordedIn(3);
  for (const at of [first, second, third]) await plays(oak, at);
  await plays(elm, third);
  await oak.goto(`${cloud.url}/people`);
  await oak.getByText(/You replaced your keys/).waitFor();
});

/** Through the dialog on the account page, by buttons and labels alone. Answers the new recovery code. */
async function replaceKeys(page, cloud, who) {
  await page.goto(`${cloud.url}/account`);
  await page.getByRole('heading', { name: 'Lost a device, or forgot the password on this one?' }).waitFor();
  await page.getByRole('button', { name: 'Replace' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replace your keys' });
  await dialog.getByLabel('New password').fill(NEW);
  await sound(page, `${who}: the password`);
  await picture(page, `new-keys-${who}-password`);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  const shown = page.locator('#recovery-code').filter({ hasText: /^[0-9A-Z]{4}(-[0-9A-Z]{4}){8}$/ });
  const code = await shown.textContent();
  await picture(page, `new-keys-${who}-code`);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByLabel('Type or paste the code you kept').fill(code.toLowerCase());
  await page.getByRole('dialog').getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Your keys are replaced' }).waitFor({ timeout: 20_000 });
  await page.getByText(/Has your new keys/).waitFor();
  await sound(page, `${who}: the outcome`);
  await picture(page, `new-keys-${who}-done`);
  return code;
}
