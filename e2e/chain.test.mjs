// A server that lies about who belongs to a home: the browser refuses, and its words name the lie. The lies are put into the server's own answers.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { fromB64, toB64 } from '../web/crypto/base64url.js';
import { verifyChain } from '../web/crypto/chain.js';
import { sealToSlot } from '../web/crypto/epoch.js';
import { sha256 } from '../web/crypto/hash.js';
import { inventedHome } from '../web/tests/support/household.js';
import { browser, person, picture } from './lib/browser.mjs';
import { inviteByLink, nameHome, setUp, signUp } from './lib/people.mjs';
import { folder, server } from './lib/processes.mjs';

const json = (signed) => JSON.parse(Buffer.from(signed.body, 'base64url'));
const resign = (signed, change) => {
  const entry = json(signed);
  change(entry);
  return { ...signed, body: Buffer.from(JSON.stringify(entry)).toString('base64url') };
};
const key = () => crypto.randomBytes(32).toString('base64url');

/** The chain's last entry, which adds the agent, with something else in it under the old signature. */
const altered = (change) => (chain) => { chain.entries.push(resign(chain.entries.pop(), change)); };

/** Each takes the chain's true answer and makes a lie of it. What nobody signed is named by all that it brings: the honest box beside the lie too. */
const LIES = {
  'a member\'s key': { says: /nobody of the home signed: another key in somebody’s place; a box, or another key for one\./, tell: altered((entry) => { entry.slots[0].kem = key(); }) },
  'an agent\'s key': { says: /nobody of the home signed: a box, or another key for one\./, tell: altered((entry) => { entry.agents[0].sign = key(); }) },
  'an epoch': { says: /nobody of the home signed: another key for the home; a box/, tell: altered((entry) => { entry.epoch += 1; entry.epoch_key = key(); }) },
  'an epoch\'s secret': { says: /The key of this home was replaced by another one without an owner\./, tell: otherSecret },
  'a right': { says: /nobody of the home signed: a box, or another key for one; other people, or other rights/, tell: altered((entry) => { entry.slots[0].from += 1; }) },
  'a rollback': { says: /an older list of people of this home than this device has seen/, tell: (chain) => { chain.entries.pop(); } },
  'a fork': { says: /two different stories of this home/, tell: (chain, { forked }) => { chain.entries.splice(1, 1, forked); } },
  'another home\'s chain': { says: /the list of people of another home/, tell: (chain) => { chain.entries = chain.entries.map((signed) => resign(signed, (entry) => { entry.home = `hom_${'0'.repeat(26)}`; })); } },
};

/** The epoch's package holds a secret of the server's, sealed to the owner as it should be. */
async function otherSecret(chain) {
  const { home, epoch, slots: [{ slot, kem }] } = json(chain.entries[0]);
  const sealed = await sealToSlot({ home, epoch, slot }, fromB64(kem), new Uint8Array(crypto.randomBytes(32)));
  chain.epochs[0].sealed = [{ slot, ...sealed }];
}

/** In the owner's browser: another second entry after the same first one, honestly signed. What a server could keep of an append that it answered with an error. */
async function forkOf(home) {
  const { Keystore } = await import('/crypto/keystore.js');
  const { openHome } = await import('/crypto/home.js');
  const { inviteMember } = await import('/crypto/chain-build.js');
  const ask = async (path) => (await fetch(`/api/v1/${path}`)).json();
  const keys = await (await Keystore.open({ shared: false })).load((await ask('account')).account);
  const { entries, epochs } = await ask(`homes/${home}/chain`);
  const pins = { get: async () => null, raise: async () => {} };
  const open = await openHome({ home: { home }, chain: { entries: entries.slice(0, 1), epochs }, keys, pins });
  return (await inviteMember({ open, rights: 'member', publicUrl: '' })).body.entry;
}

/** The home that the page shows. */
const homeOf = (page) => page.evaluate(async () => (await (await fetch('/api/v1/homes')).json())[0].home);

test('a browser refuses every lie about its home\'s members', { timeout: 120_000 }, async (t) => {
  const dir = await folder(t);
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const { page, faults } = await person(t, chromium);
  await setUp(t, page, cloud, path.join(dir, 'agent'));
  await page.goto(`${cloud.url}/events`);
  await page.getByText('Nothing yet.').waitFor();
  const forked = await page.evaluate(forkOf, await homeOf(page));
  let tell = null;
  await page.route(/\/chain(\?|$)/, async (route) => {
    if (!tell) return route.continue();
    const url = new URL(route.request().url());
    url.search = '';
    try {
      const answer = await route.fetch({ url: url.href });
      const chain = await answer.json();
      await tell(chain, { forked });
      await route.fulfill({ response: answer, json: chain });
    } catch (error) {
      // A page that has gone on meanwhile no longer waits for its answer.
      t.diagnostic(`an answer came too late: ${String(error).split('\n')[0]}`);
    }
  });
  for (const [lie, { says, tell: change }] of Object.entries(LIES)) {
    tell = change;
    await page.goto(`${cloud.url}/events`);
    const refusal = page.locator('.bar:not([hidden])').filter({ hasText: /home/ }).first();
    await refusal.waitFor({ timeout: 15_000 }).catch(() => assert.fail(`${lie}: nothing was said`));
    const words = await refusal.innerText();
    t.diagnostic(`${lie}: ${words.replaceAll('\n', ' ')}`);
    assert.match(words, says, `${lie} is called what it is`);
    assert.doesNotMatch(words, /Nothing yet/, `${lie} was believed`);
    assert.equal(await page.getByText('Nothing yet.').count(), 0, `${lie}: nothing of the home is shown`);
    if (lie === 'a member\'s key') await picture(page, 'chain-refused');
  }
  tell = null;
  await page.goto(`${cloud.url}/events`);
  await page.getByText('Nothing yet.').waitFor();
  faults.length = 0; // a refused chain is reported to the console too
});

test('somebody invited refuses a home that the server makes up for them', { timeout: 120_000 }, async (t) => {
  const cloud = await server(t);
  const chromium = await browser(t);
  const owner = await person(t, chromium);
  const [setUpLink] = await cloud.process.says(/http:\S+\/set-up#\S+/);
  await owner.page.goto(setUpLink);
  await signUp(owner.page, 'elm');
  await nameHome(owner.page, '12 Elm Street');
  await owner.page.getByRole('heading', { name: 'Add the box at home' }).waitFor();
  const link = await inviteByLink(owner.page, cloud.url);
  const [, home, slot] = link.match(/#(hom_\w+)\.(slt_\w+)\./);
  const { entries } = await owner.page.evaluate(async (id) => (await fetch(`/api/v1/homes/${id}/chain`)).json(), home);
  const invented = await inventedHome({ home, chain: await verifyChain(home, entries) }, slot, '12 Elm Street');

  const { page, context } = await person(t, chromium);
  let lies = true;
  const posted = [];
  page.on('request', (request) => { if (request.method() === 'POST') posted.push(new URL(request.url()).pathname.slice('/api/v1/'.length)); });
  await context.route('**/api/v1/invitations/open', (route) => lies ? route.fulfill({ json: invented }) : route.continue());
  const cannot = page.getByRole('heading', { name: 'This invitation can’t be opened' });
  const refusal = page.getByRole('alert').filter({ hasText: /This is not the home that you were invited to/ });
  const invited = page.getByRole('heading', { name: 'You are invited to 12 Elm Street' });

  // A link of the form before says nothing of where the home begins: nothing is asked with it.
  await page.goto(link.slice(0, link.lastIndexOf('.')));
  await cannot.waitFor();
  await page.getByRole('alert').filter({ hasText: /for a new link/ }).waitFor();
  assert.deepEqual(posted, []);

  // The server's own home in the place of the real one: nothing but the token is sent, nothing is offered.
  await page.goto(link);
  await refusal.waitFor();
  await cannot.waitFor();
  assert.equal(await page.getByRole('button', { name: /I am new here|I have an account|Join/ }).count(), 0);
  assert.deepEqual(posted, ['invitations/open']);
  await picture(page, 'invented-home');

  // It is a good lie: only the beginning in the link tells it from the truth.
  await page.goto(`${link.slice(0, link.lastIndexOf('.'))}.${toB64(await sha256(fromB64(invented.entries[0].body)))}`);
  await invited.waitFor();

  // Told the truth at first and lied to later, with an account already: nothing is joined.
  lies = false;
  await page.goto(link);
  await invited.waitFor();
  await page.getByRole('button', { name: 'I am new here' }).click();
  await signUp(page, 'oak');
  await page.getByRole('button', { name: 'Join as oak' }).waitFor();
  lies = true;
  await page.getByRole('button', { name: 'Join as oak' }).click();
  await refusal.waitFor();
  await cannot.waitFor();
  assert.equal(await page.getByRole('button', { name: 'Join as oak' }).count(), 0);
  assert.ok(!posted.includes('invitations/accept'), 'nothing was signed for it');

  // The real home is joined by the same link, and another one in its place is refused from then on.
  lies = false;
  await page.reload();
  await page.getByRole('button', { name: 'Join as oak' }).click();
  await page.getByText('Nothing yet.').waitFor();
  await page.route(/\/chain(\?|$)/, (route) => route.fulfill({ json: { entries: invented.entries, epochs: [] } }));
  await page.goto(`${cloud.url}/events`);
  await page.getByText(/This is not the home that this device knows/).filter({ visible: true }).first().waitFor();
});
