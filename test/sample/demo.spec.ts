import { once } from 'node:events';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/poll.js';
import { isRunning } from '../support/processes.js';
import { useRedisServer } from '../support/redis.js';
import { buildSample, ended, isListening, startProgram, type Ended, type Program } from '../support/sample-programs.js';

const DEMO = 'dist-sample/shop/demo.js';
const SHOP = 'dist-sample/shop/main.js';
const PAYMENTS_DEMO = 'dist-sample/payments/demo.js';
const IMPORT_DEMO = 'dist-sample/import/demo.js';

/** Runs the compiled demo, in memory unless there is a URL. */
function startDemo(args: string[], redisUrl = ''): Program {
  return startProgram(DEMO, args, { LOCKING_REDIS_URL: redisUrl });
}

/** The two cells of a row of the table: without a lock, and with it. */
function row(stdout: string, label: string): string[] {
  const line = stdout.split('\n').find((text) => text.startsWith(`  ${label} `)) ?? '';
  return line.slice(label.length + 2).trim().split(/ {2,}/); // prettier-ignore
}

/** The ports of the processes and of the Redis, as the second and third line name them. */
function portsIn(stdout: string): number[] {
  const [, processes = '', store = ''] = stdout.split('\n');
  return [...`${processes} ${store}`.matchAll(/\b\d{4,5}\b/g)].map(Number);
}

async function expectNothingLeft(demo: Program, stdout: string): Promise<void> {
  await eventually(() => !isRunning(-demo.pid!));
  for (const port of portsIn(stdout)) expect([port, await isListening(port)]).toEqual([port, false]);
}

// All tests of the samples are in this file: test files run at the same time, and two compilers would write the same
// output.
beforeAll(buildSample, 60_000);

function expectGoodRun({ code, stdout, stderr }: Ended): void {
  expect(stderr).toBe('');
  expect(row(stdout, 'in stock')).toEqual(['40', '40']);
  expect(row(stdout, 'orders sent')).toEqual(['300', '300']);
  const [accepted = [], soldOut, errors, over = [], left, books] = [
    'accepted',
    'sold out',
    'errors and timeouts',
    'oversold',
    'left in stock',
    'left + accepted = in stock',
  ].map((label) => row(stdout, label));
  expect(accepted[1]).toBe('40');
  expect(soldOut?.[1]).toBe('260');
  expect(errors).toEqual(['0', '0']);
  expect(over[1]).toBe('0');
  expect(left?.[1]).toBe('0');
  expect(books?.[1]).toBe('yes');
  // The demo shows something only if the unlocked run goes wrong.
  expect(Number(over[0])).toBeGreaterThan(0);
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^PASS: /);
  expect(code).toBe(0);

  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
}

describe('npm run demo', () => {
  const redis = useRedisServer();

  it('the demo sells exactly the stock in memory, and leaves nothing behind', async () => {
    const demo = startDemo([]);
    const result = await ended(demo);
    expectGoodRun(result);
    expect(result.stdout).toContain('one process on port');
    await expectNothingLeft(demo, result.stdout);
  }, 60_000);

  it.each([
    ['--redis', 'Redis'],
    ['--postgres', 'PostgreSQL'],
  ])(
    'the demo sells exactly the stock over four processes with %s, and leaves nothing behind',
    async (option, name) => {
      const demo = startDemo([option]);
      const result = await ended(demo);
      expectGoodRun(result);
      expect(result.stdout).toContain('4 processes on ports');
      expect(result.stdout).toContain(`locks in ${name} at`);
      expect(portsIn(result.stdout)).toHaveLength(5);
      await expectNothingLeft(demo, result.stdout);
    },
    60_000,
  );

  it('the demo uses the Redis that it is given', async () => {
    const result = await ended(startDemo([], redis.url));
    expectGoodRun(result);
    expect(result.stdout).toContain(`locks in Redis at 127.0.0.1:${String(redis.port)}`);
  }, 60_000);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'the demo leaves nothing behind when it is ended by %s',
    async (signal) => {
      const demo = startDemo(['--redis']);
      const end = ended(demo);
      await once(demo.stdout, 'data');
      process.kill(-demo.pid!, signal);
      const { code, stdout, stderr } = await end;
      expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(portsIn(stdout)).toHaveLength(5);
      await expectNothingLeft(demo, stdout);
    },
    60_000,
  );

  it.each([
    ['nobody listens', 'redis://:secret@127.0.0.1:1', /Cannot reach Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/],
    ['it is no URL of a Redis', 'localhost', /LOCKING_REDIS_URL must be a URL such as/],
  ])('the demo fails with one clear line when %s', async (_, url, message) => {
    const { code, stdout, stderr } = await ended(startDemo([], url));
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(message)]);
    expect(stderr).not.toContain('secret');
  });

  it.each([
    [
      'nobody listens',
      'postgres://me:secret@127.0.0.1:1/shop',
      /Cannot reach PostgreSQL at 127\.0\.0\.1:1: .*ECONNREFUSED/,
    ],
    ['it is no URL of a PostgreSQL', 'localhost', /LOCKING_POSTGRES_URL must be a URL such as/],
  ])('the demo on PostgreSQL fails with one clear line when %s', async (_, url, message) => {
    const environment = { LOCKING_REDIS_URL: '', LOCKING_POSTGRES_URL: url };
    const { code, stdout, stderr } = await ended(startProgram(DEMO, [], environment));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(message)]);
    expect(stderr).not.toContain('secret');
  });

  it('the demo refuses an unknown argument', async () => {
    const { code, stderr } = await ended(startDemo(['--reids']));
    expect(code).toBe(1);
    expect(stderr).toContain('--reids');
  });
});

describe('npm run demo:payments', () => {
  it('the payments demo charges every payment once although a worker is killed, and leaves nothing behind', async () => {
    const demo = startProgram(PAYMENTS_DEMO, [], {});
    const { code, stdout, stderr } = await ended(demo);
    expect([code, stderr]).toEqual([0, '']);
    const value = (label: string): string => new RegExp(`^ {2}${label} {2,}(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    expect(value('payments')).toMatch(/^60, /);
    expect([value('charged'), value('charged twice'), value('lost')]).toEqual(['60', '0', '0']);
    expect(Number(value('stalled jobs given to others'))).toBeGreaterThan(0);
    expect(stdout).toContain('PASS: ');
    const lines = stdout.split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    await expectNothingLeft(demo, stdout);
  }, 90_000);

  it('the payments demo leaves nothing behind when it is ended in the middle', async () => {
    const demo = startProgram(PAYMENTS_DEMO, [], {});
    const end = ended(demo);
    await once(demo.stdout, 'data');
    process.kill(-demo.pid!, 'SIGINT');
    const { code, stdout, stderr } = await end;
    expect(code).toBe(130);
    expect(stderr.trimEnd().split('\n')).toEqual(['The demo ended early: interrupted']);
    await expectNothingLeft(demo, stdout);
  }, 60_000);
});

describe('npm run demo:import', () => {
  it('the import demo imports every row once although instances are killed and paused, and leaves nothing behind', async () => {
    const demo = startProgram(IMPORT_DEMO, [], {});
    const { code, stdout, stderr } = await ended(demo);
    expect([code, stderr]).toEqual([0, '']);
    const value = (label: string): string => new RegExp(`^ {2}${label} {2,}(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    const labels = ['rows imported', 'left out', 'wrong', 'rows written again', 'writes of the paused one refused'];
    expect(labels.map(value)).toEqual(['2400', '0', '0', '25', '1']);
    expect(stdout).toContain('PASS: ');
    await expectNothingLeft(demo, stdout);
  }, 90_000);
});

describe('npm run start:import', () => {
  it('the import takes its locks from the environment, and names a variable that there is not', async () => {
    const env = { LOCKING_REDIS_URL: 'redis://127.0.0.1:1', LOCKING_EXPIRES: '5s' };
    const { code, stderr } = await ended(startProgram('dist-sample/import/main.js', [], env));
    expect(code).toBe(1);
    expect(stderr).toMatch(/LOCKING_EXPIRES.*Do you mean LOCKING_EXPIRE\?/);
  });
});

describe('npm run start:shop', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('sells, refuses what is wrong, and ends cleanly by %s', async (signal) => {
    const shop = startProgram(SHOP, [], { PORT: '0', LOCKING_REDIS_URL: '' });
    const end = ended(shop);
    let printed = '';
    shop.stdout.on('data', (chunk: string) => (printed += chunk));
    await eventually(() => printed.includes('/orders/summary\n\n'));
    expect(printed).toContain('POST   /orders/unlocked');
    const url = /listens on (http:\S+);/.exec(printed)![1]!;

    const send = async (method: string, path: string, body?: object): Promise<[number, unknown]> => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
      return [response.status, await response.json()];
    };
    const order = { sku: 'tea', quantity: 1, customer: 'Ada' };
    expect(await send('PUT', '/stock/tea', { quantity: 1 })).toEqual([200, { sku: 'tea', quantity: 1 }]);
    expect(await send('POST', '/orders', order)).toEqual([201, expect.objectContaining(order)]);
    expect(await send('POST', '/orders', order)).toEqual([409, expect.objectContaining({ code: 'SOLD_OUT' })]);
    expect(await send('GET', '/stock/tea')).toEqual([200, { sku: 'tea', quantity: 0 }]);
    expect(await send('GET', '/orders')).toEqual([200, [expect.objectContaining(order)]]);
    expect(await send('GET', '/orders/summary')).toEqual([200, [{ sku: 'tea', orders: 1, units: 1 }]]);
    expect((await send('POST', '/orders', { ...order, sku: 'none' }))[0]).toBe(404);
    expect((await send('POST', '/orders', { ...order, quantity: 0.5 }))[0]).toBe(400);

    for (const path of ['/locks', '/metrics', '/health']) expect(printed).toContain(`${url}${path} `);
    const [page, metrics] = await Promise.all(
      ['/locks', '/metrics'].map(async (path) => (await fetch(url + path)).text()),
    );
    expect(page).toContain('<title>Locks</title>');
    expect(metrics).toMatch(/^locking_wait_duration_seconds_count\{.*key_template="stock:<0>".*\} [1-9]/m);
    expect(metrics).toMatch(/^locking_store_up\{.*\} 1$/m);
    expect(await send('GET', '/health')).toEqual([200, expect.objectContaining({ status: 'ok' })]);
    // An open page of the dashboard does not keep the shop from ending.
    const events = await fetch(`${url}/locks/events`);
    expect(events.status).toBe(200);

    shop.kill(signal);
    const { code, stderr } = await end;
    expect([code, stderr]).toEqual([0, '']);
    await events.text();
    expect(await isListening(Number(new URL(url).port))).toBe(false);
  });

  it('the shop takes the orders of npm run load:shop, which says where no shop is', async () => {
    const LOAD = 'dist-sample/shop/load.js';
    const shop = startProgram(SHOP, [], { PORT: '0', LOCKING_REDIS_URL: '' });
    const end = ended(shop);
    let printed = '';
    shop.stdout.on('data', (chunk: string) => (printed += chunk));
    await eventually(() => printed.includes('/orders/summary\n\n'));
    const url = /listens on (http:\S+);/.exec(printed)![1]!;
    const load = startProgram(LOAD, [url], {});
    const loadEnd = ended(load);
    await eventually(async () => ((await (await fetch(`${url}/orders`)).json()) as unknown[]).length > 50, 30_000);
    load.kill('SIGKILL');
    expect((await loadEnd).stdout).toContain(`24 customers order from ${url}.`);
    shop.kill('SIGTERM');
    expect((await end).code).toBe(0);
    const { code, stderr } = await ended(startProgram(LOAD, [url], {}));
    expect([code, stderr]).toEqual([1, expect.stringContaining('npm run start:shop starts a shop')]);
  }, 60_000);

  it.each([
    ['the Redis is not there', { LOCKING_REDIS_URL: 'redis://127.0.0.1:1' }, 'Cannot reach Redis at 127.0.0.1:1'],
    ['the port is none', { LOCKING_REDIS_URL: '', PORT: 'http' }, 'PORT must be a number'],
  ])('the shop says so in one line when %s', async (_, env, message) => {
    const { code, stdout, stderr } = await ended(startProgram(SHOP, [], env));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(message)]);
  });
});

describe('the small samples', () => {
  it('cron: a job that three instances fire runs once per tick', async () => {
    const { code, stdout } = await ended(startProgram('dist-sample/cron/main.js', [], {}));
    expect(code).toBe(0);
    const ticks = [...stdout.matchAll(/^(\d\d:\d\d:\d\d) {2}instance/gm)].map(([, second]) => second);
    expect(ticks.length).toBeGreaterThan(2);
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(stdout).toContain(`the report was made ${ticks.length} times`);
  }, 60_000);

  it('leader: each instance leads when the one before it has stopped', async () => {
    const { code, stdout } = await ended(startProgram('dist-sample/leader/main.js', [], {}));
    expect(code).toBe(0);
    const led = [...stdout.matchAll(/^instance (\w) leads, with the token (\d+)$/gm)];
    expect(led.map(([, instance]) => instance).sort()).toEqual(['A', 'B', 'C']);
    const tokens = led.map(([, , token]) => Number(token));
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
  }, 60_000);

  it('requests: an order is paid once, and a request that waits too long learns when to try again', async () => {
    const { code, stdout } = await ended(startProgram('dist-sample/requests/main.js', [], {}));
    expect(code).toBe(0);
    expect(stdout.match(/ paid$/gm)).toHaveLength(1 + 2);
    expect(stdout.match(/201 {2}paid$/gm)).toHaveLength(1);
    expect(stdout).toContain('409  try again after 1 s');
  }, 60_000);
});
