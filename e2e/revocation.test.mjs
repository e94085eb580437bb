// Access taken away while somebody watches: the video stops, the stream ends, and what is recorded next does not open for them.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { browser, person, pictures } from './lib/browser.mjs';
import { addDemoCamera, inviteByLink, playing, setUp, signUp, tiles } from './lib/people.mjs';
import { agentCli, folder, server } from './lib/processes.mjs';

test('a member who is removed while watching sees no more, now or later', { timeout: 240_000 }, async (t) => {
  const dir = await folder(t);
  const data = path.join(dir, 'agent');
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const owner = await person(t, chromium);
  const { agent } = await setUp(t, owner.page, cloud, data);
  const camera = await addDemoCamera(data);
  await owner.page.getByRole('link', { name: 'See your first Event' }).waitFor({ timeout: 90_000 });

  const link = await inviteByLink(owner.page, cloud.url);
  await pictures(owner.page, 'invitation');
  await owner.page.getByRole('button', { name: 'Done' }).click();

  const member = await person(t, chromium);
  await member.page.goto(link);
  await member.page.getByRole('heading', { name: 'You are invited to 12 Elm Street' }).waitFor();
  await member.page.getByRole('button', { name: 'I am new here' }).click();
  await signUp(member.page, 'oak');
  await member.page.getByRole('button', { name: 'Join as oak' }).click();
  await tiles(member.page).first().click({ timeout: 60_000 });
  await playing(member.page);
  const watched = new URL(member.page.url()).pathname;

  const chainThen = await member.page.evaluate(async (path) => (await fetch(`/api/v1/homes/${path.split('/')[2]}/chain`)).json(), watched);
  const epochOf = (event) => JSON.parse(Buffer.from(event.header.body, 'base64url')).epoch;
  const events = () => owner.page.evaluate(async (id) => (await (await fetch(`/api/v1/homes/${id}/events?limit=5`)).json()).events, home);
  const [, home] = watched.match(/\/(hom_[0-9a-z]+)\//);

  // The box at home is held still until further down: it hears nothing of the removal.
  await agentCli(data, ['trigger', camera]);
  agent.child.kill('SIGSTOP');
  // When the member's page says that access has ended, and when the server has answered the removal.
  await member.page.evaluate(() => {
    new MutationObserver((_, watching) => {
      if (!document.body.innerText.includes('You no longer have access to')) return;
      globalThis.endedAt = Date.now();
      watching.disconnect();
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  const acknowledged = owner.page.waitForResponse((answer) => answer.request().method() === 'POST' && answer.url().endsWith('/chain')).then(() => Date.now());
  // Everything that the member's browser asks from here on, when, and how it was answered.
  const answers = [];
  member.page.on('response', (response) => answers.push({ at: response.request().timing().startTime, status: response.status(), path: new URL(response.url()).pathname }));
  await owner.page.getByRole('button', { name: 'Remove oak' }).waitFor();
  await owner.page.getByRole('button', { name: 'Remove oak' }).click();
  await owner.page.getByRole('button', { name: 'Remove', exact: true }).click();
  await owner.page.getByText('oak was removed').waitFor({ state: 'attached' });
  const removed = await acknowledged;
  await member.page.getByText(/You no longer have access to/).first().waitFor({ timeout: 5000 });
  const took = await member.page.evaluate(() => globalThis.endedAt) - removed;
  t.diagnostic(`the removed browser's stream ended, its page said so and cleared its picture ${took} ms after the removal was acknowledged`);
  assert.ok(took < 1000, `the open stream ended by itself within a second, not ${took} ms`);
  assert.equal(await member.page.evaluate(() => document.querySelector('video')?.readyState ?? 0), 0, 'the picture is cleared');
  const late = answers.filter(({ at, path: asked, status }) => at > removed && asked.includes('/segments/') && status === 200);
  assert.deepEqual(late, [], 'no segment that was asked for after the removal came');
  await pictures(member.page, 'ended');

  // Until the box has heard of it, only the gate holds: both pages say so, and it is over once the box has the new keys.
  const behind = owner.page.getByText('A box at home has not heard of it yet');
  await behind.waitFor();
  await pictures(owner.page, 'people-box-behind');
  await owner.page.goto(`${cloud.url}/cameras`);
  await owner.page.getByText('still seals with keys from before the last change of people').waitFor();
  await owner.page.goto(`${cloud.url}/people`);
  await behind.waitFor();
  agent.child.kill('SIGCONT');
  await behind.waitFor({ state: 'hidden', timeout: 60_000 });
  await owner.page.goto(`${cloud.url}/cameras`);
  await owner.page.getByText(/^Connected/).waitFor();
  assert.equal(await owner.page.getByText('still seals with keys').count(), 0);

  // What was being recorded then is still sealed to the epoch that the member knows: there only the gate holds, and it does.
  const between = (await events()).find((one) => epochOf(one) === 1);
  const asked = await member.page.evaluate(async ({ home: id, camera: eye, event }) => (await fetch(`/api/v1/homes/${id}/cameras/${eye}/events/${event}`)).status, between);
  assert.equal(asked, 404);

  // With no other home they are told what happened and what they can do, here and when they come back.
  await member.page.getByRole('link', { name: 'What you can do' }).click();
  const gone = member.page.getByRole('heading', { name: 'You no longer belong to 12 Elm Street' });
  await gone.waitFor();
  assert.ok(await gone.evaluate((heading) => heading === document.activeElement), 'the page is read from its heading');
  await toldWhatToDo(member.page);
  await pictures(member.page, 'no-home');
  await member.page.goto(cloud.url);
  await member.page.getByRole('heading', { name: 'You don’t belong to a home any more' }).waitFor();
  await toldWhatToDo(member.page);

  // What is recorded next is sealed to a new epoch. A server that hands it to the removed browser all the same changes nothing:
  // the browser is played every answer that the owner's browser gets.
  let event;
  for (let tries = 0; !event; tries++) {
    assert.ok(tries < 150, 'an Event of the new epoch was uploaded');
    // Not too often: it would prolong the Event that is being recorded, which is of the epoch before.
    if (tries % 20 === 12) await agentCli(data, ['trigger', camera]);
    await owner.page.waitForTimeout(1000);
    event = (await events()).find((one) => epochOf(one) === 2 && one.complete);
  }
  await member.page.route(`**/api/v1/homes/${home}**`, handOver);
  await member.page.route('**/api/v1/homes', handOver);
  async function handOver(route) {
    const url = new URL(route.request().url());
    if (url.pathname.endsWith('/updates') || route.request().method() !== 'GET') return route.abort();
    const got = await owner.page.evaluate(async (address) => {
      const answer = await fetch(address);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      return { status: answer.status, type: answer.headers.get('content-type'), bytes: Array.from(bytes) };
    }, url.pathname + url.search);
    return route.fulfill({ status: got.status, contentType: got.type, body: Buffer.from(got.bytes) });
  }
  await member.page.goto(`${cloud.url}/events/${home}/${event.camera}/${event.event}`);
  await member.page.getByText(/does not name you/).first().waitFor({ timeout: 15_000 });
  assert.equal(await member.page.evaluate(() => document.querySelector('video')?.readyState ?? 0), 0);
  await pictures(member.page, 'locked-for-the-removed');

  // Nor does the page's caution matter: the keys that the browser ever had, tried one by one on the new Event's header and on what
  // the server keeps of the new epoch, open nothing. The same hand opens an Event from before, or it would prove nothing.
  const account = await member.page.evaluate(async () => (await (await fetch('/api/v1/account')).json()).account);
  const chainNow = await owner.page.evaluate(async (id) => (await fetch(`/api/v1/homes/${id}/chain`)).json(), home);
  const given = { account, home, chainThen, chainNow };
  const before = await member.page.evaluate(openWithEveryKey, { ...given, header: between.header });
  assert.ok(before.keys >= 2 && before.opened === 1, `what the agent sealed before it knew opens: ${JSON.stringify(before)}`);
  const after = await member.page.evaluate(openWithEveryKey, { ...given, header: event.header });
  assert.deepEqual(after, { keys: before.keys, opened: 0, epochs: 0 });
});

/** Not asked to name a home as if they were new: told of both ways on, on the smallest phone too. */
async function toldWhatToDo(page) {
  await page.getByText('Ask an owner of the home for an invitation').waitFor();
  assert.equal(await page.getByLabel('What do you call your home?').count(), 0);
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing scrolls sideways');
  await page.setViewportSize(size);
  const own = page.getByRole('link', { name: 'Make a home of your own' });
  assert.equal(await own.evaluate((link) => link.pathname), '/set-up');
}

/** In the removed browser: every private key that it has or had, on every recipient of a header and on every sealed epoch secret. */
async function openWithEveryKey({ account, home, chainThen, chainNow, header }) {
  const { Keystore } = await import('/crypto/keystore.js');
  const { openHome } = await import('/crypto/home.js');
  const { hpkeOpen } = await import('/crypto/hpke.js');
  const { idBytes } = await import('/crypto/ids.js');
  const { concat, u32, utf8 } = await import('/crypto/bytes.js');
  const { fromB64 } = await import('/crypto/base64url.js');
  const keys = await (await Keystore.open({ shared: false })).load(account);
  const pins = { get: async () => null, raise: async () => {} };
  const open = await openHome({ home: { home }, chain: chainThen, keys, pins });
  const pairs = [{ privateKey: keys.kem, publicKey: keys.kemPublic }, ...open.epochs.values()];
  const { camera, event, epoch, recipients } = JSON.parse(new TextDecoder().decode(fromB64(header.body)));
  const tried = async (info, { enc, ct }) => {
    let opened = 0;
    for (const pair of pairs) {
      await hpkeOpen(pair, info, { enc: fromB64(enc), ct: fromB64(ct) }).then(() => { opened += 1; }, () => {});
    }
    return opened;
  };
  let opened = 0;
  const eventInfo = concat(utf8('ks/event/v1'), idBytes('hom', home), idBytes('cam', camera), idBytes('evt', event), u32(epoch));
  for (const recipient of recipients) opened += await tried(eventInfo, recipient);
  let epochs = 0;
  for (const one of chainNow.epochs.filter((begun) => begun.epoch > chainThen.epochs.at(-1).epoch)) {
    const at = concat(idBytes('hom', home), u32(one.epoch));
    for (const sealed of one.sealed) epochs += await tried(concat(utf8('ks/epoch/v1'), at, idBytes('slt', sealed.slot)), sealed);
    if (one.previous) epochs += await tried(concat(utf8('ks/epoch-prev/v1'), at), one.previous);
  }
  return { keys: pairs.length, opened, epochs };
}
