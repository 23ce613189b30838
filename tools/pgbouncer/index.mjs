// @ts-check
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ping } from '../postgres-server/ping.mjs';
import { serverUser } from '../postgres-server/server-user.mjs';
import { commandIn, fetchFromDebian, listFetched } from '../redis-server/fetch-debian.mjs';
import { findFreePort } from '../server-process/free-port.mjs';
import { Supervisor } from '../server-process/supervisor.mjs';

const run = promisify(execFile);
const cacheDir = fileURLToPath(new URL('../../.cache/pgbouncer', import.meta.url));
const readyWithinMs = 20_000;

/**
 * PgBouncer: the program PGBOUNCER_BIN, that on the PATH or in /usr/sbin, or the package of Debian.
 *
 * @returns {Promise<import('./index.mjs').PgbouncerCommand | undefined>} undefined where there is none
 */
export async function findPgbouncer() {
  for (const command of [process.env.PGBOUNCER_BIN, 'pgbouncer', '/usr/sbin/pgbouncer']) {
    if (command && (await answers({ command, args: [] }))) return { command, args: [] };
  }
  try {
    const [fetched = await fetchFromDebian(cacheDir, undefined, ['pgbouncer'])] = await listFetched(cacheDir);
    const found = await commandIn(fetched, 'sbin/pgbouncer');
    return (await answers(found)) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** @param {import('./index.mjs').PgbouncerCommand} found */
async function answers({ command, args }) {
  return run(command, [...args, '--version'], { timeout: 10_000, env: process.env, ...serverUser }).then(
    () => true,
    () => false,
  );
}

/**
 * @param {import('./index.mjs').PgbouncerCommand} found
 * @param {number} server the port of PostgreSQL
 * @param {'transaction' | 'session'} mode
 * @returns {Promise<import('./index.mjs').Pgbouncer>}
 */
export async function startPgbouncer({ command, args }, server, mode) {
  const port = await findFreePort();
  const settings = `[databases]
* = host=127.0.0.1 port=${server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = ${mode}
default_pool_size = 30
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
`;
  // It ends with this process.
  const supervisor = new Supervisor();
  const stop = () => supervisor.close();
  try {
    const { pid } = await supervisor.start({
      command,
      args: [...args, '{dir}/pgbouncer.ini'],
      files: [{ name: 'pgbouncer.ini', text: settings }],
      ...(serverUser && { user: serverUser }),
      stopSignal: 'SIGQUIT',
    });
    const deadline = Date.now() + readyWithinMs;
    while (!(await answersOn(port))) {
      if (supervisor.lastExit?.pid === pid)
        throw new Error(`PgBouncer ended while starting:\n${supervisor.lastExit.log}`);
      if (Date.now() > deadline) throw new Error('PgBouncer did not get ready');
      await delay(20);
    }
    return { port, url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @param {number} port */
async function answersOn(port) {
  return ping(port).then(
    () => true,
    () => false,
  );
}
