import { afterEach, describe, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { PgPool } from '../../lib/providers/postgres/pg-types.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { usePostgresServer } from '../support/postgres.js';
import { listener, request, useProviders } from './support.js';

const { Pool } = createRequire(import.meta.url)('pg') as { Pool: new (options: object) => PgPool };

/** ReadyForQuery, the end of a login. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** An error of the server that ends the connection. */
const FATAL = ((): Buffer => {
  const fields = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeInt32BE(4 + Buffer.byteLength(fields), 1);
  return Buffer.concat([head, Buffer.from(fields)]);
})();

const postgres = usePostgresServer();
const providers = useProviders();
const servers: Server[] = [];
const sockets: Socket[] = [];
const pools: PgPool[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(pools.splice(0).map(async (pool) => pool.end()));
  await Promise.all(servers.splice(0).map(async (server) => new Promise((resolve) => server.close(resolve))));
});

/** A proxy that ends connections in the very packet that ends their login, while `state.isDeadly`. */
async function startProxy(state: { isDeadly: boolean; ended: number }): Promise<string> {
  const server = createServer((client) => {
    const upstream = connect(postgres.server.port, '127.0.0.1');
    sockets.push(client, upstream);
    let isLoggedIn = false;
    client.on('error', () => undefined).pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('error', () => undefined).on('close', () => client.destroy());
    upstream.on('data', (bytes: Buffer) => {
      const ends = !isLoggedIn && bytes.includes(READY);
      isLoggedIn ||= ends;
      if (!ends || !state.isDeadly) {
        client.write(bytes);
        return;
      }
      state.ended += 1;
      client.end(Buffer.concat([bytes, FATAL]));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(postgres.url);
  url.port = String((server.address() as { port: number }).port);
  return url.href;
}

describe('a connection that the server ends in the packet of its login', () => {
  it.each(['connectionString', 'pool'] as const)('does not end the process: %s', async (option) => {
    const state = { isDeadly: false, ended: 0 };
    const url = await startProxy(state);
    const pool = new Pool({ connectionString: url });
    pool.on('error', () => undefined);
    pools.push(pool);
    const options = option === 'pool' ? { pool: pool as never } : { connectionString: url };
    const { provider } = await providers.connect(options);
    const held = request('k');
    await provider.acquire(held);
    state.isDeadly = true;
    for (const socket of sockets.splice(0)) socket.destroy();
    // An error without a listener would end the process of the tests.
    await eventually(async () => {
      await rejectionOf(provider.acquire(request('other')));
      return state.ended > 0;
    });
    await rejectionOf(provider.listen('process', listener([])));
    state.isDeadly = false;
    await eventually(async () => {
      const [outcome] = await provider.release(held).catch(() => []);
      return outcome !== undefined;
    });
  });
});
