import { describe, expect, it, jest } from '@jest/globals';
import { InMemoryLockingProvider, LockConfigurationError } from '../../../lib/index.js';
import { LockingDashboardModule, type LockingDashboardOptions } from '../../../lib/operations/dashboard/index.js';
import { eventually } from '../../support/poll.js';
import { HeaderGuard, openEvents, useDashboards } from './support.js';

const start = useDashboards();
const NASTY = '<img src=x onerror=globalThis.pwned=1>';

interface Message {
  readonly held: number;
  readonly matching: number;
  readonly locks: readonly { readonly key: string; readonly label: string; readonly queue: readonly object[] }[];
  readonly leaders: readonly object[];
  readonly samples: readonly object[];
  readonly key: { readonly lock: object | null; readonly grants: readonly object[] } | null;
}

describe('the options of the dashboard', () => {
  it.each<[string, LockingDashboardOptions, RegExp]>([
    ['no guards', {}, /there are no guards.*insecure: true/],
    ['an empty list of guards', { guards: [] }, /there are no guards/],
    ['insecure that is no boolean', { insecure: 'true' as never }, /insecure: must be true or false/],
    ['an unknown option', { guards: [HeaderGuard], readonly: true } as never, /"readonly" is not an option. Known are/],
    ['a path with a pattern', { guards: [HeaderGuard], path: ':id' }, /path: must be/],
    ['no viewer', { guards: [HeaderGuard], maxViewers: 0 }, /maxViewers: must be a whole number/],
    ['a short interval', { guards: [HeaderGuard], interval: '1ms' }, /interval: .*at least 500 ms/],
    ['no function', { guards: [HeaderGuard], identify: 'me' as never }, /identify: must be a function/],
    ['nothing', undefined as never, /must be an object/],
  ])('%s is refused', (_, options, message) => {
    expect(() => LockingDashboardModule.forRoot(options)).toThrow(LockConfigurationError);
    expect(() => LockingDashboardModule.forRoot(options)).toThrow(message);
  });
});

describe.each(['express', 'fastify'] as const)('the dashboard on %s, below a global prefix', (platform) => {
  const open = async (options: LockingDashboardOptions = { insecure: true }) =>
    start(options, { platform, prefix: 'api/v1' });

  it('guards protect the page, its events and the release', async () => {
    const { url, locking } = await open({ guards: [HeaderGuard], allowRelease: true });
    const lock = await locking.acquire('a');
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(`${url}/events`)).status).toBe(403);
    expect((await fetch(`${url}/release`, { method: 'POST' })).status).toBe(403);
    expect(lock.held).toBe(true);
    expect((await fetch(url, { headers: { 'x-admin': 'yes' } })).status).toBe(200);
  });

  it('the page loads nothing, and its policy allows its own script and style only', async () => {
    const { url } = await open();
    const answer = await fetch(url);
    const html = await answer.text();
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'sha256-[\w+/=]+';/);
    expect(policy).not.toContain('unsafe');
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/);
    expect(html).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|eval\(/);
  });

  it('the events tell holders, queues, leaders and samples, with every key as it is', async () => {
    const { url, locking } = await open();
    await locking.acquire(NASTY, { label: 'Orders.pay' });
    const waiting = locking.acquire(NASTY, { timeout: '1m' }).catch(() => undefined);
    const events = await openEvents(`${url}/events`);
    const message = await events.until(
      ({ leaders, locks }: Message) => leaders.length > 0 && locks.some(({ key }) => key === NASTY),
    );
    expect(message).toMatchObject({
      held: 1,
      instanceId: 'web-1',
      allowRelease: false,
      failure: null,
      locks: [{ key: NASTY, label: 'Orders.pay', instanceId: 'web-1', waiters: 1 }],
      leaders: [{ name: 'outbox relay', instanceId: 'web-1' }],
    });
    events.close();
    await locking.forceRelease(NASTY);
    await waiting;
  });

  it('the search narrows, and the page of a key has its last grants', async () => {
    const { url, locking } = await open();
    const order = await locking.acquire('order:1', { label: 'first' });
    await locking.acquire('stock:7');
    const search = await openEvents(`${url}/events?search=ORDER`);
    const found = await search.until(({ held }: Message) => held === 2);
    expect(found).toMatchObject({ matching: 1, locks: [{ key: 'order:1' }] });
    search.close();
    const page = await openEvents(`${url}/events?key=order%3A1`);
    await page.until(({ key }: Message) => key?.lock != null);
    await order.release();
    await page.until(({ key }: Message) => key?.lock === null);
    await locking.acquire('order:1', { label: 'second' });
    const { key } = (await page.until((message: Message) => message.key?.lock != null)) as unknown as Message;
    expect(key?.grants).toMatchObject([
      { label: 'second', until: null },
      { label: 'first', until: expect.any(Number) as unknown },
    ]);
    page.close();
    expect((await fetch(`${url}/events?provider=none`)).status).toBe(404);
  });

  it('releases a lock by hand, and says so in the log', async () => {
    const { url, locking, log } = await open({
      insecure: true,
      allowRelease: true,
      identify: () => 'ada\nforged line',
    });
    const lock = await locking.acquire('order:1');
    const post = async (more: object = {}, headers: Record<string, string> = {}) =>
      fetch(`${url}/release`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-nestjs-locking': 'dashboard',
          origin: new URL(url).origin,
          ...headers,
        },
        body: JSON.stringify({
          provider: 'in-memory',
          key: 'order:1',
          ownerId: lock.ownerId,
          fencingToken: lock.fencingToken,
          ...more,
        }),
      });
    const foreign: Record<string, string>[] = [
      { 'x-nestjs-locking': 'no' },
      { origin: 'https://evil.example' },
      { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of foreign) expect((await post({}, headers)).status).toBe(403);
    for (const body of [{ key: 7 }, { provider: 'none' }, { fencingToken: 'x' }, { key: '' }]) {
      expect((await post(body)).status).toBe(400);
    }
    expect((await post({ fencingToken: lock.fencingToken - 1 })).status).toBe(409);
    expect((await post({ ownerId: 'another' })).status).toBe(409);
    expect((await post({ key: 'free' })).status).toBe(409);
    expect(lock.held).toBe(true);
    const answer = await post();
    expect([answer.status, await answer.json()]).toEqual([200, { released: true }]);
    expect(lock.held).toBe(false);
    const lines = log.lines.filter(({ parts }) => parts.includes('LockingDashboard')).map(({ text }) => text);
    expect(lines).toEqual([
      `"order:1" was released by hand on the dashboard, by "ada\\nforged line": held by "${lock.ownerId}" with token ${lock.fencingToken}, provider "in-memory"`,
    ]);
    expect((await post()).status).toBe(409);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no session');
      },
    ],
    ['returns no text', (async () => Promise.resolve('ada')) as never],
  ])('releases nothing where identify %s', async (_, identify) => {
    const { url, locking } = await open({ insecure: true, allowRelease: true, identify });
    const lock = await locking.acquire('a');
    const { ownerId, fencingToken } = lock;
    const answer = await fetch(`${url}/release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-nestjs-locking': 'dashboard', origin: new URL(url).origin },
      body: JSON.stringify({ provider: 'in-memory', key: 'a', ownerId, fencingToken }),
    });
    expect([answer.status, lock.held]).toEqual([500, true]);
  });

  it.each([
    ['https://admin.example', 200],
    ['https://evil.example', 403],
  ])('behind a proxy the name in its header is that of the server: from %s it is %i', async (origin, status) => {
    const { url, locking } = await open({ insecure: true, allowRelease: true, trustProxy: true });
    const { ownerId, fencingToken } = await locking.acquire('a');
    const answer = await fetch(`${url}/release`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-nestjs-locking': 'dashboard',
        'x-forwarded-host': 'admin.example',
        origin,
      },
      body: JSON.stringify({ provider: 'in-memory', key: 'a', ownerId, fencingToken }),
    });
    expect(answer.status).toBe(status);
  });

  it('is read-only by default', async () => {
    const { url, locking } = await open();
    const lock = await locking.acquire('a');
    const { ownerId, fencingToken } = lock;
    const answer = await fetch(`${url}/release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-nestjs-locking': 'dashboard', origin: new URL(url).origin },
      body: JSON.stringify({ provider: 'in-memory', key: 'a', ownerId, fencingToken }),
    });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ message: expect.stringMatching(/read-only/) as unknown });
    expect(lock.held).toBe(true);
  });

  it('one page more than maxViewers is refused, until one has left', async () => {
    const { url } = await open({ insecure: true, maxViewers: 2 });
    const [one, two] = [await openEvents(`${url}/events`), await openEvents(`${url}/events`)];
    await Promise.all([one.next(), two.next()]);
    const third = await fetch(`${url}/events`);
    expect([third.status, await third.text()]).toEqual([503, expect.stringContaining('maxViewers')]);
    one.close();
    await eventually(async () => {
      const again = await openEvents(`${url}/events`);
      again.close();
      return again.status === 200;
    });
    two.close();
  });
});

describe('what the dashboard costs', () => {
  it('several pages cost one look an interval, and none costs nothing', async () => {
    const list = jest.spyOn(InMemoryLockingProvider.prototype, 'list');
    try {
      const { url } = await start({ insecure: true });
      const pages = await Promise.all(Array.from({ length: 5 }, async () => openEvents(`${url}/events`)));
      await Promise.all(pages.map(async (page) => page.next()));
      const before = list.mock.calls.length;
      await Promise.all(pages.map(async (page) => page.next()));
      expect(list.mock.calls.length - before).toBeLessThanOrEqual(2);
      for (const page of pages) page.close();
      const settled = { at: Date.now(), calls: list.mock.calls.length };
      await eventually(() => {
        if (list.mock.calls.length !== settled.calls)
          Object.assign(settled, { at: Date.now(), calls: list.mock.calls.length });
        return Date.now() - settled.at > 1500;
      }, 30_000);
    } finally {
      list.mockRestore();
    }
  });

  it('10,000 locks make a message of a few hundred rows', async () => {
    const { url, locking } = await start({ insecure: true });
    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(
        Array.from({ length: 1000 }, async (_, i) => locking.acquire(`k${batch}-${i}`, { expire: '1h' })),
      );
    }
    const events = await openEvents(`${url}/events`);
    const { held, matching, locks } = (await events.until(({ held: all }: Message) => all > 0)) as unknown as Message;
    expect([held, matching, locks.length]).toEqual([10_000, 10_000, 200]);
    events.close();
  });

  it('an open page does not keep the application from closing', async () => {
    const { app, url } = await start({ insecure: true });
    const events = await openEvents(`${url}/events`);
    await events.next();
    const ended = events.ended();
    await app.close();
    await ended;
  });
});
