// A server that lies about who belongs to a home: the browser refuses, in words. The lies are put into the server's own answers.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { browser, person, picture } from './lib/browser.mjs';
import { setUp } from './lib/people.mjs';
import { folder, server } from './lib/processes.mjs';

const json = (signed) => JSON.parse(Buffer.from(signed.body, 'base64url'));
const resign = (signed, change) => {
  const entry = json(signed);
  change(entry);
  return { ...signed, body: Buffer.from(JSON.stringify(entry)).toString('base64url') };
};
const key = () => crypto.randomBytes(32).toString('base64url');

/** Each takes the chain's true answer and makes a lie of it. */
const LIES = {
  'a member\'s key': (chain) => { chain.entries.push(resign(chain.entries.pop(), (entry) => { entry.slots[0].kem = key(); })); },
  'an agent\'s key': (chain) => { chain.entries.push(resign(chain.entries.pop(), (entry) => { entry.agents[0].sign = key(); })); },
  'an epoch': (chain) => { chain.entries.push(resign(chain.entries.pop(), (entry) => { entry.epoch += 1; entry.epoch_key = key(); })); },
  'a rollback': (chain) => { chain.entries.pop(); },
  'a fork': (chain) => { chain.entries.push(resign(chain.entries.pop(), (entry) => { entry.slots[0].from += 1; })); },
  'another home\'s chain': (chain) => { chain.entries = chain.entries.map((signed) => resign(signed, (entry) => { entry.home = `hom_${'0'.repeat(26)}`; })); },
};

test('a browser refuses every lie about its home\'s members', { timeout: 120_000 }, async (t) => {
  const dir = await folder(t);
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const { page, faults } = await person(t, chromium);
  await setUp(t, page, cloud, path.join(dir, 'agent'));
  await page.goto(`${cloud.url}/events`);
  await page.getByText('Nothing yet.').waitFor();
  let tell = null;
  await page.route(/\/chain(\?|$)/, async (route) => {
    if (!tell) return route.continue();
    const url = new URL(route.request().url());
    url.search = '';
    try {
      const answer = await route.fetch({ url: url.href });
      const chain = await answer.json();
      tell(chain);
      await route.fulfill({ response: answer, json: chain });
    } catch (error) {
      // A page that has gone on meanwhile no longer waits for its answer.
      t.diagnostic(`an answer came too late: ${String(error).split('\n')[0]}`);
    }
  });
  for (const [lie, change] of Object.entries(LIES)) {
    tell = change;
    await page.goto(`${cloud.url}/events`);
    const refusal = page.locator('[role=alert], .bar, .blank, .status').filter({ hasText: /home/ }).first();
    await refusal.waitFor({ timeout: 15_000 }).catch(() => assert.fail(`${lie}: nothing was said`));
    const words = await refusal.innerText();
    t.diagnostic(`${lie}: ${words.replaceAll('\n', ' ')}`);
    assert.doesNotMatch(words, /Nothing yet/, `${lie} was believed`);
    assert.equal(await page.getByText('Nothing yet.').count(), 0, `${lie}: nothing of the home is shown`);
    if (lie === 'a member\'s key') await picture(page, 'chain-refused');
  }
  tell = null;
  await page.goto(`${cloud.url}/events`);
  await page.getByText('Nothing yet.').waitFor();
  faults.length = 0; // a refused chain is reported to the console too
});
