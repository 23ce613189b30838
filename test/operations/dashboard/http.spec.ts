import { once } from 'node:events';
import { connect, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { describe, expect, it, jest } from '@jest/globals';
import { InMemoryLockingProvider, LockConfigurationError, type Lock } from '../../../lib/index.js';
import { StoreObserver } from '../../../lib/operations/dashboard/store-observer.js';
import { LockingDashboardModule, type LockingDashboardOptions } from '../../../lib/operations/dashboard/index.js';
import { eventually } from '../../support/poll.js';
import { HeaderGuard, openEvents, statusAs, useDashboards } from './support.js';

const start = useDashboards();
const NASTY = '<img src=x onerror=globalThis.pwned=1>';

type Percentiles = { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number } | null;

interface Message {
  readonly held: number;
  readonly matching: number;
  readonly locks: readonly {
    readonly key: string;
    readonly ownerId: string;
    readonly fencingToken: number;
    readonly label: string;
    readonly heldFor: number;
    readonly queue: readonly object[];
  }[];
  readonly leaders: readonly object[];
  readonly samples: readonly { readonly at: number; readonly waits: Percentiles; readonly holds: Percentiles }[];
  readonly key: { readonly lock: object | null; readonly grants: readonly object[] } | null;
}

/** Asks for a release as the page does; `more` says otherwise. */
async function askToRelease(
  url: string,
  { ownerId, fencingToken }: Pick<Lock, 'ownerId' | 'fencingToken'>,
  more: object = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const own = { 'content-type': 'application/json', 'x-nestjs-locking': 'dashboard', origin: new URL(url).origin };
  return fetch(`${url}/release`, {
    method: 'POST',
    headers: { ...own, ...headers },
    body: JSON.stringify({ provider: 'in-memory', key: 'a', ownerId, fencingToken, ...more }),
  });
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
    [
      'no list of hosts',
      { guards: [HeaderGuard], allowedHosts: 'a.example' as never },
      /allowedHosts: must be true, or/,
    ],
    ['a host with a port', { guards: [HeaderGuard], allowedHosts: ['a.example:80'] }, /names without a port/],
    ['no host', { guards: [HeaderGuard], allowedHosts: [] }, /allowedHosts: must be/],
    ['a short recheck', { guards: [HeaderGuard], recheck: '10ms' }, /recheck: .*at least 1/],
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
    expect((await fetch(`${url}/`)).status).toBe(403);
    expect((await fetch(`${url}/events`)).status).toBe(403);
    expect((await fetch(`${url}/release`, { method: 'POST' })).status).toBe(403);
    expect(lock.held).toBe(true);
    expect((await fetch(url, { headers: { 'x-admin': 'yes' } })).status).toBe(200);
  });

  it('the page is the same with a slash at the end of its path, and what is below it is not the page', async () => {
    const { url } = await open();
    const [page, withSlash] = await Promise.all([fetch(`${url}?a=1`), fetch(`${url}/?a=1`)]);
    expect([page.status, withSlash.status]).toEqual([200, 200]);
    expect(await withSlash.text()).toBe(await page.text());
    expect(withSlash.headers.get('content-security-policy')).toBe(page.headers.get('content-security-policy'));
    expect((await fetch(`${url}/`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${url}/other`)).status).toBe(404);
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
      leaders: [{ name: 'mail relay', instanceId: 'web-1' }],
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
      askToRelease(url, lock, { key: 'order:1', ...more }, headers);
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

  it('ends the holder that it has shown, and leaves the key to one that comes meanwhile', async () => {
    const { url, locking } = await open({ insecure: true, allowRelease: true });
    const lock = await locking.acquire('a', { label: 'first' });
    const next = locking.acquire('a', { label: 'second', timeout: '1m' });
    const list = jest.spyOn(InMemoryLockingProvider.prototype, 'revokeSeen');
    try {
      // The request is on its way to the store.
      list.mockImplementationOnce(async function (this: InMemoryLockingProvider, shown) {
        await this.release({ keys: ['a'], ownerId: shown.ownerId });
        return this.revokeSeen(shown);
      });
      const answer = await askToRelease(url, lock);
      expect([answer.status, await answer.json()]).toEqual([200, { released: true }]);
      expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    } finally {
      list.mockRestore();
    }
    const second = await next;
    expect(second.held).toBe(true);
    await second.release();
  });

  it('a lease that is handed on in the instance is released from the holder that was shown alone', async () => {
    const { url, locking } = await open({ insecure: true, allowRelease: true });
    const ends: (() => void)[] = [];
    const run = async (label: string): Promise<unknown> =>
      locking
        .execute('a', async () => new Promise<void>((resolve) => ends.push(resolve)), { label, timeout: '2m' })
        .catch((error: unknown) => error);
    const events = await openEvents(`${url}/events`);
    const first = run('first');
    const shown = async (label: string) =>
      events.until(({ locks }: Message) => locks[0]?.label === label) as unknown as Promise<Message>;
    const before = await shown('first');
    const second = run('second');
    await eventually(async () => (await locking.inspect('a'))?.waiters === 1);
    ends[0]?.();
    await first;
    const after = await shown('second');
    const release = async (row: Message['locks'][number] | undefined): Promise<number> =>
      (await askToRelease(url, row!, row)).status;
    // Held since the look before, at the earliest, although its token hardly differs from the first one.
    const [look = { at: 0 }, last = { at: 0 }] = after.samples.slice(-2);
    expect(after.locks[0]?.heldFor).toBeLessThanOrEqual(last.at - look.at);
    expect(await release(before.locks[0])).toBe(409);
    expect(await release(after.locks[0])).toBe(200);
    ends[1]?.();
    expect(await second).toMatchObject({ code: 'LOCK_LOST' });
    events.close();
  });

  it('says in the log that a lock may have been released, where the store does not answer', async () => {
    const { url, locking, log } = await open({
      insecure: true,
      allowRelease: true,
      identify: async () => Promise.resolve('ada'),
    });
    const lock = await locking.acquire('a');
    const revoke = jest.spyOn(InMemoryLockingProvider.prototype, 'revokeSeen');
    revoke.mockRejectedValueOnce(new Error('cut off'));
    const answer = await askToRelease(url, lock);
    revoke.mockRestore();
    expect(answer.status).toBe(500);
    const lines = log.lines.filter(({ parts }) => parts.includes('LockingDashboard')).map(({ text }) => text);
    expect(lines).toEqual([expect.stringMatching(/"a".* may have been released by hand.*"ada".*cut off/)]);
  });

  it('is not read by the name of another site that points here: without guards, localhost and addresses alone', async () => {
    const { url } = await open({ insecure: true, allowRelease: true });
    const { port } = new URL(url);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      'evil-localhost',
      'a@localhost',
    ]) {
      const asked = [statusAs(host, url), statusAs(host, `${url}/events`), statusAs(host, `${url}/release`, 'POST')];
      expect([host, await Promise.all(asked)]).toEqual([host, [403, 403, 403]]);
    }
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      'LOCALHOST',
      'app.localhost',
      '[::1]',
      '10.1.2.3:80',
    ]) {
      expect([host, await statusAs(host, url)]).toEqual([host, 200]);
    }
  });

  it('allowedHosts names the names of the server, whatever guards it', async () => {
    const named = await open({ insecure: true, allowedHosts: ['Admin.example', '.internal.example'] });
    const status = async (host: string): Promise<number> => statusAs(host, named.url);
    expect(await Promise.all(['admin.example', 'ADMIN.example:8080', 'a.b.internal.example'].map(status))).toEqual([
      200, 200, 200,
    ]);
    expect(await Promise.all(['www.admin.example', 'xinternal.example', 'localhost'].map(status))).toEqual([
      403, 403, 403,
    ]);
    expect(await statusAs('any.example', (await open({ insecure: true, allowedHosts: true })).url)).toBe(200);
    const guarded = await open({ guards: [{ canActivate: () => true }] });
    expect(await statusAs('any.example', guarded.url)).toBe(200);
  });

  it('a viewer whose rights end is asked again after recheck, and sees nothing more', async () => {
    let mayLook = true;
    const { url } = await open({ guards: [{ canActivate: () => mayLook }], recheck: '1s' });
    const events = await openEvents(`${url}/events`);
    await events.next();
    mayLook = false;
    await events.ended();
    expect((await fetch(`${url}/events`)).status).toBe(403);
  });

  it('the samples tell how long callers of the instance waited and held in the last minute', async () => {
    const { url, locking } = await open();
    const events = await openEvents(`${url}/events`);
    const { samples } = (await events.until(({ samples: all }: Message) => all.length > 0)) as unknown as Message;
    expect(samples.at(-1)).toMatchObject({ waits: null, holds: null });
    for (let i = 0; i < 20; i += 1) await locking.execute(`k${i}`, () => i);
    const isCounted = ({ samples: all }: Message): boolean => all.at(-1)?.holds?.count === 20;
    const { waits, holds } = ((await events.until(isCounted)) as unknown as Message).samples.at(-1)!;
    for (const { count, p50, p95, p99 } of [waits!, holds!]) {
      expect(count).toBe(20);
      expect([0 < p50, p50 <= p95, p95 <= p99]).toEqual([true, true, true]);
    }
    events.close();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no session');
      },
    ],
    ['returns no text', () => 7 as never],
    ['resolves with no text', async () => Promise.resolve({ name: 'ada' } as never)],
    ['rejects', async () => Promise.reject(new Error('no session'))],
  ])('releases nothing where identify %s', async (_, identify) => {
    const { url, locking } = await open({ insecure: true, allowRelease: true, identify });
    const lock = await locking.acquire('a');
    const answer = await askToRelease(url, lock);
    expect([answer.status, lock.held]).toEqual([500, true]);
  });

  it.each([
    ['admin.example', 'https://admin.example', 200],
    ['Admin.Example:443', 'https://admin.example', 200],
    ['admin.example:80', 'http://admin.example', 200],
    ['admin.example:8443', 'https://admin.example:8443', 200],
    ['admin.example', 'https://evil.example', 403],
    ['admin.example:80', 'https://admin.example', 403],
    ['admin.example:443', 'http://admin.example', 403],
    ['admin.example:8443', 'https://admin.example', 403],
    ['admin.example', 'https://admin.example:8443', 403],
  ])(
    'behind a proxy that calls the server %s, a release from a page of %s is answered with %i',
    async (host, origin, status) => {
      const { url, locking } = await open({
        insecure: true,
        allowRelease: true,
        trustProxy: true,
        allowedHosts: ['admin.example'],
      });
      const answer = await askToRelease(url, await locking.acquire('a'), {}, { 'x-forwarded-host': host, origin });
      expect(answer.status).toBe(status);
    },
  );

  it('is read-only by default', async () => {
    const { url, locking } = await open();
    const lock = await locking.acquire('a');
    const answer = await askToRelease(url, lock);
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

describe('the dashboard on a Fastify that ignores slashes at the end', () => {
  it.each([{ ignoreTrailingSlash: true }, { routerOptions: { ignoreTrailingSlash: true } }])(
    'starts with %j, and serves the page with and without one',
    async (fastify) => {
      const { url } = await start({ insecure: true }, { platform: 'fastify', fastify });
      expect((await fetch(url)).status).toBe(200);
      expect((await fetch(`${url}/`)).status).toBe(200);
    },
  );
});

describe('what the dashboard costs', () => {
  it('pages that do not read over HTTP/2 are cut off when they have to ask again, and others of their connection are not', async () => {
    const { url, app, locking } = await start(
      { insecure: true, recheck: '1s', maxViewers: 3 },
      { platform: 'fastify', http2: true },
    );
    await locking.acquire(Array.from({ length: 50 }, (_, index) => `${'k'.repeat(300)}${String(index)}`));
    const streams = new Set<ServerHttp2Stream>();
    (app.getHttpServer() as Http2Server).on('stream', (stream) => {
      streams.add(stream);
      stream.on('close', () => streams.delete(stream));
    });
    const client = connect(new URL(url).origin, { settings: { initialWindowSize: 0 } });
    try {
      for (let round = 0; round < 2; round += 1) {
        const opened = [1, 2].map(() => client.request({ ':path': '/locks/events' }));
        for (const stream of opened) stream.on('error', () => undefined);
        await Promise.all(opened.map(async (stream) => once(stream, 'response')));
        expect(streams.size).toBe(2);
        await eventually(() => streams.size === 0);
        expect(client.destroyed).toBe(false);
      }
    } finally {
      client.destroy();
    }
  });

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

  it('what several pages of the same show is composed once a look', async () => {
    const show = jest.spyOn(StoreObserver.prototype, 'show');
    try {
      const { url, locking } = await start({ insecure: true });
      await locking.acquire('a');
      const same = await Promise.all(Array.from({ length: 5 }, async () => openEvents(`${url}/events?search=a`)));
      await Promise.all(same.map(async (page) => page.until(({ held }: Message) => held > 0)));
      const before = show.mock.calls.length;
      const messages = await Promise.all(same.map(async (page) => page.next()));
      const looks = new Set(messages.map((message) => (message as unknown as Message).samples.at(-1)?.at)).size;
      expect(show.mock.calls.length - before).toBeLessThanOrEqual(looks + 1);
      for (const page of same) page.close();
    } finally {
      show.mockRestore();
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
