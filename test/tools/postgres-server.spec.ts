import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  startPostgresPair,
  startPostgresServer,
  type PostgresServerOptions,
} from '../../tools/postgres-server/index.mjs';
import { eventually } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { isRunning } from '../support/processes.js';

const running: { stop(): Promise<void> }[] = [];

async function start(options?: PostgresServerOptions) {
  const server = await startPostgresServer(options);
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

describe('usePostgresServer', () => {
  const postgres = usePostgresServer();

  it('gives a file a server of its own', async () => {
    expect(await rowsOf(postgres.url, 'SELECT current_user AS name')).toEqual([{ name: 'postgres' }]);
    expect(isRunning(postgres.server.pid)).toBe(true);
  });
});

describe('startPostgresServer', () => {
  it('answers, and leaves neither process nor directory after stop()', async () => {
    const server = await start();
    expect(await rowsOf(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(server.dir)).toBe(true);
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    expect(existsSync(server.dir)).toBe(false);
  });

  it.each(['off', 'on'])('keeps its data over a crash, with fsync %s', async (fsync) => {
    const server = await start({ config: { fsync } });
    await rowsOf(server.url, 'CREATE TABLE kept AS SELECT 7 AS number');
    server.kill('SIGKILL');
    await expect(rowsOf(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await rowsOf(server.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  it('hangs as a whole when it is stopped, and goes on', async () => {
    const server = await start();
    server.kill('SIGSTOP');
    let answered = false;
    const asked = rowsOf(server.url, 'SELECT 1').then(() => (answered = true));
    asked.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answered).toBe(false);
    server.kill('SIGCONT');
    await asked;
    expect(answered).toBe(true);
  });

  it('says what the server said when it can not start', async () => {
    await expect(start({ config: { no_such_setting: '1' } })).rejects.toThrow(/no_such_setting/);
  });
});

describe('startPostgresPair', () => {
  it('has a standby that follows the primary, and takes writes once it is promoted', async () => {
    const pair = await startPostgresPair();
    running.push(pair);
    const { primary, standby } = pair;
    await rowsOf(primary.url, 'CREATE TABLE followed AS SELECT 1 AS number');
    const numbers = async (url: string) => rowsOf(url, 'SELECT number FROM followed').catch(() => []);
    await eventually(async () => (await numbers(standby.url)).length === 1);
    await expect(rowsOf(standby.url, 'INSERT INTO followed VALUES (2)')).rejects.toThrow('read-only');
    primary.kill('SIGKILL');
    standby.promote();
    await eventually(async () => (await rowsOf(standby.url, 'SELECT pg_is_in_recovery() AS r'))[0]?.r === false);
    await rowsOf(standby.url, 'INSERT INTO followed VALUES (2)');
    expect(await numbers(standby.url)).toHaveLength(2);
  });
});
