import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { useDashboards, type Dashboard } from './support.js';

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
    context.setDefaultTimeout(60_000);
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
      await page.locator('#leaders').getByText('outbox relay').waitFor();

      // By keyboard alone.
      await page.getByRole('link', { name: 'order:42' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'order:42' }).waitFor();
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

  it('a key, a label and an owner of markup stay text', async () => {
    const dashboard = await start({ insecure: true, allowRelease: true });
    await dashboard.locking.acquire(NASTY, { label: '<script>globalThis.pwned=2</script>' });
    await dashboard.locking.acquire('a', { ownerId: '"><svg onload=globalThis.pwned=3>', expire: '1h' });
    const { page, complaints, close } = await look(dashboard);
    await rowOf(page, NASTY).getByText('<script>globalThis.pwned=2</script>').waitFor();
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
  }, 240_000);

  it('fits a desktop and a phone, light and dark, with more locks than it shows', async () => {
    const dashboard = await start({ insecure: true, allowRelease: true });
    const { locking } = dashboard;
    await Promise.all(
      Array.from({ length: 300 }, async (_, i) =>
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
  }, 300_000);
});
