// Access taken away while somebody watches: the video stops, the stream ends, and what is recorded next does not open for them.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { browser, person, picture } from './lib/browser.mjs';
import { addDemoCamera, playing, setUp, signUp, tiles } from './lib/people.mjs';
import { folder, server } from './lib/processes.mjs';

test('a member who is removed while watching sees no more, now or later', { timeout: 240_000 }, async (t) => {
  const dir = await folder(t);
  const data = path.join(dir, 'agent');
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const owner = await person(t, chromium);
  await setUp(t, owner.page, cloud, data);
  await addDemoCamera(data);
  await owner.page.getByRole('link', { name: 'See your first Event' }).waitFor({ timeout: 90_000 });

  await owner.page.goto(`${cloud.url}/people`);
  await owner.page.getByRole('button', { name: 'Add someone' }).click();
  await owner.page.getByRole('button', { name: 'Make the link' }).click();
  await owner.page.getByRole('img', { name: /QR code/ }).waitFor();
  const link = await owner.page.getByLabel('Link').inputValue();
  await picture(owner.page, 'invitation');
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

  // Everything that the member's browser asks from here on, and how it was answered.
  const answers = [];
  member.page.on('response', (response) => answers.push({ at: Date.now(), status: response.status(), path: new URL(response.url()).pathname }));
  await owner.page.getByRole('button', { name: 'Remove oak' }).waitFor();
  await owner.page.getByRole('button', { name: 'Remove oak' }).click();
  await owner.page.getByRole('button', { name: 'Remove', exact: true }).click();
  await owner.page.getByText('oak was removed').waitFor({ state: 'attached' });
  const removed = Date.now();
  await member.page.getByText(/You no longer have access to/).first().waitFor({ timeout: 5000 });
  assert.ok(Date.now() - removed < 3000, 'the open stream ended by itself');
  await picture(member.page, 'ended');
  assert.equal(await member.page.evaluate(() => document.querySelector('video')?.readyState ?? 0), 0, 'the picture is cleared');
  const after = answers.filter(({ at, path: asked, status }) => at > removed && asked.includes('/segments/') && status === 200);
  assert.deepEqual(after, [], 'no segment came after the removal');

  // What is recorded next is sealed to a new epoch. A server that hands it to the removed browser all the same changes nothing:
  // the browser is played every answer that the owner's browser gets.
  await owner.page.goto(`${cloud.url}/events`);
  const [, home] = watched.match(/\/(hom_[0-9a-z]+)\//);
  const newest = () => owner.page.evaluate(async (id) => (await (await fetch(`/api/v1/homes/${id}/events?limit=1`)).json()).events[0], home);
  const epochOf = (event) => JSON.parse(Buffer.from(event.header.body, 'base64url')).epoch;
  let event = await newest();
  for (let tries = 0; epochOf(event) < 2 || !event.complete; tries++) {
    assert.ok(tries < 240, 'an Event of the new epoch was uploaded');
    await owner.page.waitForTimeout(500);
    event = await newest();
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
  await member.page.getByText(/locked on this device|can’t be opened|no key|isn’t open on this device|not a member|do not belong/i).first().waitFor({ timeout: 15_000 });
  assert.equal(await member.page.evaluate(() => document.querySelector('video')?.readyState ?? 0), 0);
  await picture(member.page, 'locked-for-the-removed');
});
