import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { LockingService } from '../../lib/index.js';
import { PostgresLockingProvider } from '../../lib/index.js';
import { startPostgresServer, startPostgresStandby, type PostgresServer } from '../../tools/postgres-server/index.mjs';
import { ChaosProxy } from '../faults/proxy/chaos-proxy.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { rowsOf } from '../support/postgres.js';

jest.setTimeout(120_000);

const applications = useApplications();
let primary: PostgresServer;
let standby: PostgresServer;
/** The address that leads to the present primary. */
let address: ChaosProxy;

beforeEach(async () => {
  primary = await startPostgresServer({ config: { synchronous_standby_names: 'standby' } });
  // It commits alone, once it has taken over.
  standby = await startPostgresStandby(primary);
  address = await ChaosProxy.before(primary.port);
  await eventually(async () => {
    const followers = await rowsOf(primary.url, `SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`);
    return followers.length === 1;
  });
});

afterEach(async () => {
  await address.stop();
  await Promise.all([primary.stop(), standby.stop()]);
});

async function open(): Promise<LockingService> {
  const options = { connectionString: `postgres://postgres@127.0.0.1:${String(address.port)}/postgres` };
  return (await applications.withLocks({ providers: [{ resolve: PostgresLockingProvider, options }] })).locking;
}

/** The primary dies, and the standby takes its place. */
async function failOver(): Promise<void> {
  primary.kill('SIGKILL');
  standby.promote();
  await eventually(async () => (await rowsOf(standby.url, 'SELECT pg_is_in_recovery() AS it'))[0]?.it === false);
  address.retarget(standby.port);
}

it('locks outlive the failover to a synchronous standby, waiters are served, and tokens rise', async () => {
  const [one, two] = [await open(), await open()];
  const lock = await one.acquire('k', { expire: '2m', renew: true });
  const waiting = two.acquire('k', { timeout: '60s' });
  await eventually(async () => (await one.inspect('k'))?.waiters === 1);
  await failOver();
  await eventually(async () => lock.extend().catch(() => false));
  expect(lock.held).toBe(true);
  await eventually(async () => (await two.tryAcquire('k').catch(() => 'down')) === null);
  await lock.release().catch(() => undefined);
  const next = await waiting;
  expect(next.held).toBe(true);
  expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
  await next.release();
});
