// @ts-check
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ping } from '../postgres-server/ping.mjs';
import { serverUser } from '../postgres-server/server-user.mjs';
import { commandIn, fetchFromDebian, listFetched } from '../redis-server/fetch-debian.mjs';
import { findFreePort } from '../server-process/free-port.mjs';

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
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-locking-pgbouncer-'));
  // Another user runs it in place of root.
  chmodSync(folder, 0o755);
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(
    settings,
    `[databases]
* = host=127.0.0.1 port=${server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = ${mode}
default_pool_size = 30
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
`,
  );
  const child = spawn(command, [...args, settings], { stdio: 'ignore', ...serverUser });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    try {
      await ping(port);
      return { port, url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await stop();
        throw new Error('PgBouncer did not start', { cause: error });
      }
      await delay(20);
    }
  }
}
