import { describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { eventually } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { request, useProviders } from './support.js';

const { Client } = createRequire(import.meta.url)('pg') as {
  Client: new (options: object) => {
    connect(): Promise<void>;
    query(sql: string): Promise<unknown>;
    on(event: 'error', listener: () => void): void;
  };
};

const postgres = usePostgresServer();
const providers = useProviders();

/** Makes another transaction keep the row of a key locked, so that a command for it is under way until it ends. */
async function keepRow(schema: string): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`BEGIN; SELECT FROM ${schema}.lease FOR UPDATE`);
}

const UNDER_WAY = `FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'nestjs-locking'`;

describe('a connection that is lost while a command is under way', () => {
  it.each([
    ['an operator ends its session', 'session'],
    ['the server crashes', 'server'],
  ])('fails the command alone, and not the process: %s', async (_, lost) => {
    const { provider } = await providers.connect({ connectionString: postgres.url, schema: lost });
    const held = request('k');
    await provider.acquire(held);
    await keepRow(lost);
    const failed = provider.release(held).then(
      () => 'answered',
      () => 'failed',
    );
    await eventually(async () => (await rowsOf(postgres.url, `SELECT ${UNDER_WAY}`)).length > 0);
    if (lost === 'session') await rowsOf(postgres.url, `SELECT pg_terminate_backend(pid) ${UNDER_WAY}`);
    else postgres.server.kill('SIGKILL');
    expect(await failed).toBe('failed');
    if (lost === 'server') await postgres.server.restart();
    await eventually(async () => (await provider.acquire(request('other')).catch(() => undefined))?.granted === true);
  });
});
