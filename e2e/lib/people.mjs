// What people do in the pages: the same clicks and words for every test.
import { agentCli, start } from './processes.mjs';
import { BIN } from './env.mjs';

export const PASSWORD = 'a quiet street at night';

/** Signs up on the page that shows the account form; types the recovery code back. Answers the code. `look` is shown each of its screens. */
export async function signUp(page, name, password = PASSWORD, { shared = false, look = async () => {} } = {}) {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  if (shared) await page.getByRole('switch', { name: /shared computer/ }).check();
  await look('account');
  await page.getByRole('button', { name: 'Continue' }).click();
  return keepCode(page, look);
}

/** Keeps the recovery code that is shown, and types it back. Answers it. */
export async function keepCode(page, look = async () => {}) {
  const shown = page.locator('#recovery-code').filter({ hasText: /^[0-9A-Z]{4}(-[0-9A-Z]{4}){8}$/ });
  const code = await shown.textContent();
  await look('code');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByLabel('Type or paste the code you kept').fill(code.toLowerCase().replaceAll('-', ' '));
  await look('code-back');
  await page.getByRole('button', { name: 'Continue' }).click();
  return code;
}

/** Names the home; the zone stays as the browser has it. */
export async function nameHome(page, name) {
  await page.getByLabel('What do you call your home?').fill(name);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** Pairs an agent in `data` by the code that the page shows, and lets it run. */
export async function pairAgent(t, page, data, url) {
  const code = page.locator('#pair-code');
  await code.filter({ hasText: /^[0-9A-Z]{4}(-[0-9A-Z]{4}){5}$/ }).waitFor();
  await agentCli(data, ['pair', '--server', url, await code.textContent()]);
  await page.locator('#pair-code').waitFor({ state: 'detached' });
  return runAgent(t, data);
}

/** Runs a paired agent until the test ends. */
export function runAgent(t, data) {
  return start(t, BIN, ['agent', '--data', data, 'run']);
}

/** The whole set-up, from the server's link to a running agent without cameras. */
export async function setUp(t, page, server, data, { name = 'elm', home = '12 Elm Street' } = {}) {
  const [link] = await server.process.says(/http:\S+\/set-up#\S+/);
  await page.goto(link);
  const recovery = await signUp(page, name);
  await nameHome(page, home);
  const agent = await pairAgent(t, page, data, server.url);
  return { agent, recovery };
}

/** An owner makes an invitation for a member. Answers the link; the sheet that shows it stays open. */
export async function inviteByLink(page, url) {
  await page.goto(`${url}/people`);
  await page.getByRole('button', { name: 'Add someone' }).click();
  await page.getByRole('button', { name: 'Make the link' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor();
  return page.getByRole('textbox', { name: 'Link' }).inputValue();
}

/** Signs in on the sign-in page and waits for the list of Events. */
export async function signIn(page, url, name, password = PASSWORD, { shared = false } = {}) {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  if (shared) await page.getByRole('switch', { name: /shared computer/ }).check();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
}

/** Adds a built-in camera and answers its id. */
export async function addDemoCamera(data, view = 'hall') {
  const text = await agentCli(data, ['add', view, `demo://${view}`]);
  return text.match(/cam_[0-9a-z]{26}/)[0];
}

/** The tiles of Events that show a picture. */
export function tiles(page) {
  return page.locator('a.tile').filter({ has: page.locator('img:not([hidden])') });
}

/** Waits until the page's video plays: time goes on and a frame is there. */
export async function playing(page) {
  await page.waitForFunction(() => {
    const video = document.querySelector('video');
    return video && video.videoWidth > 0 && video.currentTime > 0.3 && video.readyState >= 2;
  }, null, { timeout: 20_000 });
}
