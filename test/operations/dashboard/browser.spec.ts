import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/poll.js';
import { chromium, type Browser, type Page } from 'playwright-core';
import { openEvents, useDashboards, useProxies, type Dashboard } from './support.js';

const pictures = fileURLToPath(new URL('../../../.cache/dashboard-looks', import.meta.url));
const SCREENS = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const NASTY = '<img src=x onerror=globalThis.pwned=1>';

function findChromium(): string | undefined {
  if (process.env.CHROMIUM_BIN) return process.env.CHROMIUM_BIN;
  const { stdout } = spawnSync('sh', [
    '-c',
    'command -v chromium || command -v chromium-browser || command -v google-chrome',
  ]);
  return String(stdout).trim() || undefined;
}

const executablePath = findChromium();
const start = useDashboards();
const proxy = useProxies();

/** Needs a Chromium: that in `CHROMIUM_BIN`, or one on the PATH. */
(executablePath === undefined ? describe.skip : describe)('the dashboard in a browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] });
  }, 60_000);

  afterAll(async () => {
    await browser.close();
  });

  async function look(dashboard: Dashboard) {
    const context = await browser.newContext();
    context.setDefaultTimeout(120_000);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(dashboard.url, { waitUntil: 'domcontentloaded' });
    return { page, complaints, close: async () => context.close() };
  }

  const rowOf = (page: Page, key: string) => page.locator('#locks tbody tr').filter({ hasText: key });

  it.each(['express', 'fastify'] as const)(
    'on %s it shows locks, leads to the page of a key, and releases after a second look',
    async (platform) => {
      const dashboard = await start({ insecure: true, allowRelease: true }, { platform, prefix: 'admin' });
      const lock = await dashboard.locking.acquire('order:42', { label: 'OrderService.pay' });
      const waiting = dashboard.locking.acquire('order:42', { timeout: '5m', label: 'next' });
      const { page, complaints, close } = await look(dashboard);
      await rowOf(page, 'order:42').getByText('OrderService.pay').waitFor();
      await rowOf(page, 'order:42').getByText('1 waiter').waitFor();
      await page.locator('#leaders').getByText('mail relay').waitFor();

      // By keyboard alone. The focus goes with the view.
      const focused = async (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
      await page.getByRole('link', { name: 'order:42' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'order:42' }).waitFor();
      await page.locator('#detail-key:focus').waitFor();
      await page.goBack();
      await page.locator('#locks a:focus').waitFor();
      expect(await focused()).toBe('order:42');
      await page.keyboard.press('Enter');
      await page.locator('#detail-key:focus').waitFor();
      await page.getByRole('button', { name: 'Release by hand' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog', { name: 'Release this lock?' }).waitFor();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      expect(lock.held).toBe(true);

      await page.getByRole('button', { name: 'Release by hand' }).click();
      await page.getByRole('button', { name: 'Release', exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      expect(lock.held).toBe(false);
      const next = await waiting;
      await page.locator('#detail-facts').getByText('next', { exact: true }).waitFor();
      await next.release();
      await page.getByText('Free.').waitFor();
      expect(complaints).toEqual([]);
      await close();
    },
    240_000,
  );

  it.each(['express', 'fastify'] as const)(
    'on %s it works below a prefix behind the path of a proxy',
    async (platform) => {
      const behind = await start({ insecure: true, allowRelease: true }, { platform, prefix: 'api/v1' });
      const url = await proxy(behind.url, '/team/ops');
      expect(new URL(url).pathname).toBe('/team/ops/api/v1/locks');
      const lock = await behind.locking.acquire('order:42');
      for (const address of [url, `${url}/`]) {
        const { page, complaints, close } = await look({ ...behind, url: address });
        await page.getByRole('link', { name: 'order:42' }).click();
        await page.getByRole('heading', { name: 'order:42' }).waitFor();
        expect(complaints).toEqual([]);
        await close();
      }
      const { page, close } = await look({ ...behind, url: `${url}#key=order%3A42` });
      await page.getByRole('button', { name: 'Release by hand' }).click();
      await page.getByRole('button', { name: 'Release', exact: true }).click();
      await page.getByText('Free.').waitFor();
      await close();
      expect(lock.held).toBe(false);
    },
    240_000,
  );

  it('a page asks again and again whether it may look, without a flicker, and says when it may no longer', async () => {
    let mayLook = true;
    const dashboard = await start({ guards: [{ canActivate: () => mayLook }], recheck: '1s' });
    const { page, complaints, close } = await look(dashboard);
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().includes('/events')) asked += 1;
    });
    await page.evaluate(`{
      globalThis.said = [];
      const status = document.getElementById('status');
      new MutationObserver(() => globalThis.said.push(status.textContent)).observe(status, { childList: true, subtree: true, characterData: true });
    }`);
    await eventually(() => asked > 2, 60_000);
    await dashboard.locking.acquire('new');
    await rowOf(page, 'new').waitFor();
    expect(await page.evaluate('globalThis.said.filter((text) => !text.startsWith("as web-1"))')).toEqual([]);
    expect(complaints).toEqual([]);
    mayLook = false;
    await page.getByText(/^refused: .* This is of \d\d:\d\d:\d\d/).waitFor();
    await close();
  }, 240_000);

  it('a page that is hidden for a minute leaves its place to others, and goes on when it is seen again', async () => {
    const dashboard = await start({ insecure: true, maxViewers: 1 });
    const { page, complaints, close } = await look(dashboard);
    await page.clock.install();
    await page.getByText('as web-1 sees it').waitFor();
    const set = async (hidden: boolean): Promise<unknown> =>
      page.evaluate(`{
        Object.defineProperty(document, 'hidden', { value: ${String(hidden)}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }`);
    const asAnother = async (): Promise<number> => {
      const events = await openEvents(`${dashboard.url}/events`);
      events.close();
      return events.status;
    };
    // Hidden for less than a minute, it stays.
    await set(true);
    await page.clock.fastForward(59_000);
    await set(false);
    await page.clock.fastForward(59_000);
    await dashboard.locking.acquire('meanwhile');
    await rowOf(page, 'meanwhile').waitFor();
    expect(await asAnother()).toBe(503);

    await set(true);
    await page.clock.fastForward(61_000);
    await page.getByText('paused while this page is hidden').waitFor();
    await eventually(async () => (await asAnother()) === 200, 60_000);
    await dashboard.locking.acquire('later');
    expect(await rowOf(page, 'later').count()).toBe(0);
    await eventually(async () => {
      await set(false);
      return (await page.getByText('as web-1 sees it').count()) === 1;
    }, 60_000);
    await rowOf(page, 'later').waitFor();
    expect(complaints.filter((text) => !text.includes('503'))).toEqual([]);
    await close();
  }, 240_000);

  it.each(['express', 'fastify'] as const)(
    'on %s a key, a label and an owner of markup stay text',
    async (platform) => {
      const dashboard = await start({ insecure: true, allowRelease: true }, { platform, prefix: 'admin' });
      await dashboard.locking.acquire(NASTY, { label: '<script>globalThis.pwned=2</script>' });
      await dashboard.locking.acquire('a', { ownerId: '"><svg onload=globalThis.pwned=3>', expire: '1h' });
      const { page, complaints, close } = await look(dashboard);
      await rowOf(page, NASTY).getByText('<script>globalThis.pwned=2</script>').waitFor();
      // Two keys that look the same, and one that would turn the direction of writing.
      for (const key of ['caf\u00e9', 'cafe\u0301', 'a\u202eb\\']) await dashboard.locking.acquire(key);
      for (const shown of ['caf\u00e9', 'cafe\\u0301', 'a\\u202eb\\\\']) {
        await page.getByRole('link', { name: shown, exact: true }).click();
        await page.getByRole('heading', { name: shown, exact: true }).waitFor();
        await page.goBack();
        await page.locator('#locks a:focus').getByText(shown, { exact: true }).waitFor();
      }
      await page.getByRole('link', { name: NASTY }).click();
      await page.getByRole('heading', { name: NASTY }).waitFor();
      await page.getByRole('button', { name: 'Release by hand' }).click();
      await page.getByRole('dialog').getByText(NASTY).waitFor();
      expect(await page.evaluate('[globalThis.pwned, document.images.length, document.scripts.length]')).toEqual([
        undefined,
        0,
        1,
      ]);
      // The policy holds even for a page that was tricked.
      const blocked = await page.evaluate(`new Promise((resolve) => {
      addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
      const script = document.createElement('script');
      try { script.textContent = 'globalThis.pwned = 4'; document.body.append(script); } catch { resolve('refused'); }
    })`);
      expect(['script-src-elem', 'require-trusted-types-for', 'refused']).toContain(blocked);
      expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
      expect(complaints.filter((text) => !/Content Security Policy|TrustedScript/.test(text))).toEqual([]);
      await close();
    },
    240_000,
  );

  it('fits a desktop and a phone, light and dark, with more locks than it shows', async () => {
    const dashboard = await start({ insecure: true, allowRelease: true });
    const { locking } = dashboard;
    await Promise.all(
      Array.from({ length: 10_000 }, async (_, i) =>
        locking.acquire(`stock:${i}`, { expire: '1h', label: 'StockService.take' }),
      ),
    );
    await locking.acquire(`a-long-key-without-any-space-${'x'.repeat(120)}`, { label: 'Long' });
    const over = new AbortController();
    const waiting = [1, 2].map(async () =>
      locking.acquire('stock:7', { timeout: '5m', signal: over.signal }).catch(() => undefined),
    );
    const { page, complaints, close } = await look(dashboard);
    const overflow = async (): Promise<unknown> =>
      page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    for (const [screen, viewport] of Object.entries(SCREENS)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.getByLabel('Search').fill('');
        await page.getByText('The first 200 are shown').waitFor();
        await page.getByText('2 waiters').waitFor();
        expect([screen, colorScheme, await overflow()]).toEqual([screen, colorScheme, 0]);
        // Tables stay tables for screen readers, and each picture tells in words what it shows.
        expect(await page.getByRole('table').first().getByRole('columnheader').count()).toBe(5);
        await page.getByRole('cell', { name: /(^| )stock:7$/ }).waitFor();
        for (const name of [
          'held: now 10,001',
          'waiting: now 2',
          'longest hold',
          'longest wait',
          'waits: none',
          'holds:',
        ]) {
          await page.getByRole('img', { name: new RegExp(`^${name}`) }).waitFor();
        }
        await page.screenshot({ path: path.join(pictures, `overview-${screen}-${colorScheme}.png`) });
        await page.getByLabel('Search').fill('long');
        await page.getByText('1 lock matches').waitFor();
        await page.getByRole('link', { name: /^a-long-key/ }).click();
        await page.getByRole('button', { name: 'Release by hand' }).click();
        await page.getByRole('dialog').waitFor();
        await page.screenshot({ path: path.join(pictures, `key-${screen}-${colorScheme}.png`) });
        expect([screen, colorScheme, await overflow()]).toEqual([screen, colorScheme, 0]);
        await page.getByRole('button', { name: 'Keep it' }).click();
        await page.getByRole('link', { name: 'All locks' }).click();
      }
    }
    expect(complaints).toEqual([]);
    await close();
    over.abort();
    await Promise.all(waiting);
  }, 600_000);
});
