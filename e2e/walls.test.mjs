// The seal alone: a server whose gate, ledger and comparison are taken out hands a stranger's Events to anybody who asks, as happened
// elsewhere. The browser still shows none of it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { browser, person, picture } from './lib/browser.mjs';
import { BIN, OPEN_WALLS_BIN } from './lib/env.mjs';
import { playing, tiles } from './lib/people.mjs';
import { folder, freePort, server, start } from './lib/processes.mjs';

test('with gate and ledger taken out, the browser still shows nothing of another home', { timeout: 240_000 }, async (t) => {
  const dir = await folder(t);
  const port = await freePort();
  const demo = start(t, BIN, ['demo', '--port', String(port), '--data', dir]);
  const [, elm] = await demo.says(/12 Elm Street\s+(http:\/\/localhost:\S+)/);
  const [, oak] = await demo.says(/7 Oak Avenue\s+(http:\/\/127\.0\.0\.1:\S+)/);
  await demo.says(/12 Elm Street: the first Event/, 60_000);
  await demo.says(/7 Oak Avenue: the first Event/, 60_000);
  const chromium = await browser(t);
  const { page, faults } = await person(t, chromium);
  const neighbour = await person(t, chromium);
  await page.goto(elm);
  await neighbour.page.goto(oak);
  await tiles(page).first().waitFor();
  await tiles(neighbour.page).first().waitFor();
  const own = new URL(await tiles(page).first().evaluate((tile) => tile.href));
  const foreign = new URL(await tiles(neighbour.page).first().evaluate((tile) => tile.href));
  const [ownHome, foreignHome] = [own, foreign].map((url) => url.pathname.split('/')[2]);
  await page.goto(own.href);
  await playing(page);
  await neighbour.context.close();
  await page.goto('about:blank');
  await demo.stop();

  await server(t, { bin: OPEN_WALLS_BIN, data: path.join(dir, 'cloud'), port });
  const at = (url) => `/api/v1/homes/${url.pathname.slice('/events/'.length).replace('/', '/cameras/').replace(/\/(evt_)/, '/events/$1')}`;
  await page.goto(`http://localhost:${port}/events`);
  await tiles(page).first().waitFor();
  const leaked = await page.evaluate(async (address) => {
    const answer = await fetch(`${address}/segments/video/0`);
    return { status: answer.status, bytes: (await answer.arrayBuffer()).byteLength };
  }, at(foreign));
  assert.equal(leaked.status, 200, 'the incident really happens: the server hands out a stranger\'s segment');
  assert.ok(leaked.bytes > 1000);

  const shown = () => page.evaluate(() => [
    ...[...document.querySelectorAll('video')].filter((video) => video.videoWidth > 0),
    ...[...document.querySelectorAll('img')].filter((img) => img.src.startsWith('blob:') && img.naturalWidth > 0),
  ].length);

  await t.test('by its address', async () => {
    await page.goto(`http://localhost:${port}${foreign.pathname}`);
    await page.getByText(/nothing here|no longer|not belong|does not name you/i).filter({ visible: true }).first().waitFor();
    await page.waitForTimeout(1500);
    assert.equal(await shown(), 0);
    await picture(page, 'foreign-by-address');
  });

  /** The mix-up: what is asked of one's own home is answered with the other's. */
  const mixUp = (pattern, from, to) => page.route(pattern, async (route) => {
    const url = new URL(route.request().url());
    if (url.pathname.endsWith('/updates')) return route.abort();
    url.pathname = url.pathname.replace(from, to);
    return route.fulfill({ response: await route.fetch({ url: url.href }) });
  });

  await t.test('in one\'s own list', async () => {
    await mixUp(`**/api/v1/homes/${ownHome}/events**`, ownHome, foreignHome);
    await page.goto(`http://localhost:${port}/events`);
    await page.getByText(/did not belong to this/).filter({ visible: true }).first().waitFor();
    await page.waitForTimeout(1500);
    assert.equal(await shown(), 0);
    assert.equal(await page.locator('a.tile').count(), 0, 'not even its time is shown');
    await picture(page, 'foreign-in-the-list');
    await page.unrouteAll({ behavior: 'wait' });
  });

  await t.test('as one\'s own Event', async () => {
    await mixUp(`**${at(own)}**`, at(own), at(foreign));
    await page.goto(`http://localhost:${port}${own.pathname}`);
    await page.getByText(/did not belong to this/).filter({ visible: true }).first().waitFor();
    assert.equal(await shown(), 0);
    await page.unrouteAll({ behavior: 'wait' });
  });

  await t.test('as a part of one\'s own Event', async () => {
    await mixUp(`**${at(own)}/segments/**`, at(own), at(foreign));
    await page.goto(`http://localhost:${port}${own.pathname}`);
    await page.getByText(/did not belong to this/).filter({ visible: true }).first().waitFor();
    assert.equal(await shown(), 0);
    await picture(page, 'foreign-parts');
    await page.unrouteAll({ behavior: 'wait' });
  });

  await page.goto(`http://localhost:${port}${own.pathname}`);
  await playing(page); // one's own still opens, or the refusals would prove nothing
  faults.length = 0; // refusals are reported to the console too
});
