import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { LockingService } from '../../lib/index.js';
import { PostgresLockingProvider, RecordService, type PostgresLockingProviderOptions } from '../../lib/index.js';
import { findPgbouncer, startPgbouncer, type Pgbouncer } from '../../tools/pgbouncer/index.mjs';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { usePostgresServer } from '../support/postgres.js';

jest.setTimeout(60_000);

const found = await findPgbouncer();
const postgres = usePostgresServer();
const applications = useApplications();

async function open(options: PostgresLockingProviderOptions): Promise<StartedApplication> {
  return applications.withLocks({ providers: [{ resolve: PostgresLockingProvider, options }] });
}

/** Expects that jobs of several instances exclude one another, and that all of them run. */
async function expectExclusion(instances: readonly LockingService[]): Promise<void> {
  let [running, ran] = [0, 0];
  const jobs = Array.from({ length: 40 }, async (_, index) =>
    instances[index % instances.length]!.execute(
      'k',
      async () => {
        running += 1;
        expect(running).toBe(1);
        await new Promise(setImmediate);
        running -= 1;
        ran += 1;
      },
      { timeout: '50s' },
    ),
  );
  await Promise.all(jobs);
  expect(ran).toBe(40);
}

const describeIfFound = found ? describe : describe.skip;

describeIfFound('behind PgBouncer in transaction mode', () => {
  let pgbouncer: Pgbouncer;

  beforeAll(async () => {
    pgbouncer = await startPgbouncer(found!, postgres.server.port, 'transaction');
  });

  afterAll(async () => {
    await (pgbouncer as Pgbouncer | undefined)?.stop();
  });

  it('locks exclude, and one warning says that waiters are not told', async () => {
    const options = { connectionString: pgbouncer.url, namespace: randomUUID() };
    const one = await open(options);
    await eventually(() => one.log.of('warn').length > 0);
    const two = await open(options);
    await eventually(() => two.log.of('warn').length > 0);
    await expectExclusion([one.locking, two.locking]);
    for (const { log } of [one, two]) {
      expect(log.of('warn')).toEqual([expect.stringMatching(/hears no wake-ups: .*pooler in transaction mode/)]);
      expect(log.of('error')).toEqual([]);
    }
  });

  it('with listenUrl past the pooler, waiters are told, and there is no warning', async () => {
    const options = { connectionString: pgbouncer.url, listenUrl: postgres.url, namespace: randomUUID() };
    const [one, two] = [await open(options), await open(options)];
    const lock = await one.locking.acquire('k');
    const waiting = two.locking.acquire('k', { timeout: '50s' });
    await eventually(async () => (await one.locking.inspect('k'))?.waiters === 1);
    await lock.release();
    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
    await expectExclusion([one.locking, two.locking]);
    for (const { log } of [one, two]) expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });

  it('records are written, and watched past the pooler', async () => {
    const options = { connectionString: pgbouncer.url, listenUrl: postgres.url, namespace: randomUUID() };
    const [one, two] = [await open(options), await open(options)];
    let told = 0;
    await one.app.get(RecordService).watch('r', () => (told += 1));
    await two.app.get(RecordService).write('r', 1, { ttl: '1m' });
    await eventually(() => told > 0);
    expect((await one.app.get(RecordService).read('r'))?.value).toBe(1);
  });
});

describeIfFound('behind PgBouncer in session mode', () => {
  let pgbouncer: Pgbouncer;

  beforeAll(async () => {
    pgbouncer = await startPgbouncer(found!, postgres.server.port, 'session');
  });

  afterAll(async () => {
    await (pgbouncer as Pgbouncer | undefined)?.stop();
  });

  it('waiters are told without a listenUrl', async () => {
    const options = { connectionString: pgbouncer.url, namespace: randomUUID() };
    const [one, two] = [await open(options), await open(options)];
    const lock = await one.locking.acquire('k');
    const waiting = two.locking.acquire('k', { timeout: '50s' });
    await eventually(async () => (await one.locking.inspect('k'))?.waiters === 1);
    await lock.release();
    await (await waiting).release();
    for (const { log } of [one, two]) expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });
});
