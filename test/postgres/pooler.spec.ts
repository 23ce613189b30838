import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService, PostgresLockingProvider } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { listener, request, useProviders } from './support.js';

const postgres = usePostgresServer();
const providers = useProviders();

const poolers: Server[] = [];
const sockets: Socket[] = [];
/** How many notifications poolers have kept back in this test. */
let keptBack = 0;
afterEach(() => {
  for (const pooler of poolers.splice(0)) pooler.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  keptBack = 0;
});

/**
 * What a client sees of a pooler: process ids that are not those of the server, and, in transaction mode, no notifications.
 * Gives the URL.
 */
async function startPooler(mode: 'transaction' | 'session'): Promise<string> {
  const pooler = createServer((client) => {
    const server = connect(postgres.server.port, '127.0.0.1');
    sockets.push(client, server);
    let rest = Buffer.alloc(0);
    client.on('error', () => undefined).on('close', () => server.destroy());
    server.on('error', () => undefined).on('close', () => client.destroy());
    client.pipe(server);
    server.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      // Each message has a type of one byte and a length, which counts itself.
      while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
        const message = rest.subarray(0, rest.readUInt32BE(1) + 1);
        rest = rest.subarray(message.length);
        const type = String.fromCharCode(message[0] ?? 0);
        if (type === 'K') message.writeUInt32BE(message.readUInt32BE(5) ^ 0xffff, 5);
        if (type !== 'A' || mode === 'session') client.write(message);
        else keptBack += 1;
      }
    });
  }).listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  poolers.push(pooler);
  const url = new URL(postgres.url);
  url.port = String((pooler.address() as { port: number }).port);
  return url.href;
}

describe('behind a pooler that does not pass notifications on', () => {
  it('says at start, once, that waiters are not told, and does not queue', async () => {
    const connectionString = await startPooler('transaction');
    const { provider, warnings } = await providers.connect({ connectionString, namespace: randomUUID() });
    await eventually(() => warnings.length > 0);
    const error = await rejectionOf(provider.listen('process', listener([])));
    expect(error.message).toContain('leads through a pooler in transaction mode');
    expect(warnings).toEqual([expect.stringContaining('hears no wake-ups')]);
    expect(warnings[0]).toContain('Give listenUrl');
    expect((await provider.acquire(request('k'))).granted).toBe(true);
  });

  it('closes the session by which it looks for the pooler, too', async () => {
    const connectionString = await startPooler('transaction');
    const { provider, warnings } = await providers.connect({ connectionString, namespace: randomUUID() });
    await eventually(() => keptBack > 0);
    await provider.close();
    await eventually(() => sockets.every(({ destroyed }) => destroyed), 1500);
    expect(warnings).toEqual([]);
  });

  it('hears wake-ups by listenUrl', async () => {
    const connectionString = await startPooler('transaction');
    const options = { connectionString, listenUrl: postgres.url, namespace: randomUUID() };
    const { provider, warnings } = await providers.connect(options);
    const heard: string[] = [];
    await provider.listen('process', listener(heard));
    const held = request('k');
    await provider.acquire(held);
    expect(await provider.acquire(request('k', { queue: true }))).toMatchObject({ granted: false, queued: true });
    await provider.release(held);
    await eventually(() => heard.includes('granted k'));
    expect(warnings).toEqual([]);
  });

  it('serves callers who wait in two applications, which ask again', async () => {
    const connectionString = await startPooler('transaction');
    const namespace = randomUUID();
    const applications = await Promise.all(
      [1, 2].map(() =>
        NestFactory.createApplicationContext(
          LockingModule.forRoot({
            providers: [{ resolve: PostgresLockingProvider, options: { connectionString, namespace } }],
          }),
          { logger: false },
        ),
      ),
    );
    let inside = 0;
    let most = 0;
    const jobs = applications.flatMap((application) =>
      Array.from({ length: 5 }, () =>
        application.get(LockingService).execute(
          'k',
          async () => {
            most = Math.max(most, (inside += 1));
            await new Promise((resolve) => setTimeout(resolve, 5));
            inside -= 1;
          },
          { timeout: '30s' },
        ),
      ),
    );
    await Promise.all(jobs);
    expect(most).toBe(1);
    await Promise.all(applications.map((application) => application.close()));
  }, 40_000);
});

describe('behind a pooler that passes notifications on', () => {
  it('hears wake-ups, without a warning', async () => {
    const connectionString = await startPooler('session');
    const { provider, warnings } = await providers.connect({ connectionString, namespace: randomUUID() });
    const heard: string[] = [];
    await provider.listen('process', listener(heard));
    const held = request('k');
    await provider.acquire(held);
    await provider.acquire(request('k', { queue: true }));
    await provider.release(held);
    await eventually(() => heard.includes('granted k'));
    expect(warnings).toEqual([]);
  });
});

describe('an executor without a listenUrl', () => {
  it('says at start, once, that waiters are not told', async () => {
    const query = async (sql: string, parameters: readonly string[]) => rowsOf(postgres.url, sql, parameters);
    const { provider, warnings } = await providers.connect({ executor: { query }, namespace: randomUUID() });
    await eventually(() => warnings.length > 0);
    await rejectionOf(provider.listen('process', listener([])));
    expect(warnings).toEqual([expect.stringContaining('an executor cannot listen, and there is no listenUrl')]);
  });
});
