import { afterEach, expect, it, jest } from '@jest/globals';
import type { Lock, LockingService } from '../../lib/index.js';
import { PostgresLockingProvider } from '../../lib/index.js';
import { startPostgresServer, startPostgresStandby, type PostgresServer } from '../../tools/postgres-server/index.mjs';
import { ChaosProxy } from '../faults/proxy/chaos-proxy.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { rowsOf } from '../support/postgres.js';

jest.setTimeout(120_000);

const applications = useApplications();
let servers: PostgresServer[] = [];
let primary: PostgresServer;
let standby: PostgresServer;
/** The address that leads to the present primary. */
let address: ChaosProxy;
/** Between the standby and its primary. */
let replication: ChaosProxy;

async function start(mode: 'sync' | 'async'): Promise<void> {
  primary = await startPostgresServer({ config: { synchronous_standby_names: mode === 'sync' ? 'standby' : '' } });
  servers.push(primary);
  replication = await ChaosProxy.before(primary.port);
  // It commits alone, once it has taken over.
  standby = await startPostgresStandby(primary, { through: replication.port });
  servers.push(standby);
  address = await ChaosProxy.before(primary.port);
  await eventually(async () => {
    const followers = await rowsOf(primary.url, `SELECT FROM pg_stat_replication WHERE sync_state = '${mode}'`);
    return followers.length === 1;
  });
}

afterEach(async () => {
  await Promise.all([address, replication].map(async (proxy) => proxy.stop()));
  await Promise.all(servers.map(async (server) => server.stop()));
  servers = [];
});

async function open(): Promise<LockingService> {
  const options = { connectionString: `postgres://postgres@127.0.0.1:${String(address.port)}/postgres` };
  return (await applications.withLocks({ providers: [{ resolve: PostgresLockingProvider, options }] })).locking;
}

/** The primary dies, and the standby takes its place. */
async function failOver(): Promise<void> {
  primary.kill('SIGKILL');
  replication.cutAll();
  standby.promote();
  await eventually(async () => (await rowsOf(standby.url, 'SELECT pg_is_in_recovery() AS it'))[0]?.it === false);
  address.retarget(standby.port);
}

it('locks outlive the failover to a synchronous standby, waiters are served, and tokens rise', async () => {
  await start('sync');
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

it('an asynchronous standby loses the last grants: a second holder has a greater token, and the first learns of it', async () => {
  await start('async');
  const [one, two] = [await open(), await open()];
  const early = await one.acquire('received', { expire: '2m' });
  await eventually(async () => {
    const rows = await rowsOf(standby.url, 'SELECT key FROM nestjs_locking.lease').catch(() => []);
    return rows.some(({ key }) => String(key).endsWith('received'));
  });
  replication.each((link) => {
    link.toClient.held = true;
  });
  const lost = await one.acquire('not received', { expire: '2m' });
  await failOver();
  const granted: Lock[] = [];
  // The first calls may still meet the former connections.
  await eventually(async () => {
    const lock = await two.tryAcquire('not received', { expire: '2m' }).catch(() => null);
    if (lock) granted.push(lock);
    return lock !== null;
  });
  expect(granted[0]!.fencingToken).toBeGreaterThan(lost.fencingToken);
  // No client can know of the loss before its next question.
  expect(lost.held).toBe(true);
  await eventually(async () => {
    await lost.extend().catch(() => false);
    return !lost.held;
  });
  expect(lost.signal.aborted).toBe(true);
  // What the standby had received is kept.
  expect(await two.tryAcquire('received')).toBeNull();
  expect(early.held).toBe(true);
});
