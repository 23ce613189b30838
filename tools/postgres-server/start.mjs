// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../server-process/free-port.mjs';
import { childrenOf } from '../server-process/processes.mjs';
import { signal } from '../server-process/signal.mjs';
import { Supervisor } from '../server-process/supervisor.mjs';
import { findPostgres } from './find-binaries.mjs';
import { ping } from './ping.mjs';
import { serverUser } from './server-user.mjs';
import { dataTemplate } from './template.mjs';

const readyWithinMs = 30_000;
const pollMs = 20;

const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '32MB',
  max_connections: '100',
  fsync: 'off',
  log_min_messages: 'warning',
};

/**
 * @param {import('./index.mjs').PostgresServerOptions} [options]
 * @param {string} [data] - a data folder to copy, in place of an empty one
 * @returns {Promise<import('./index.mjs').PostgresServer>}
 */
export async function startPostgresServer(options = {}, data) {
  const binaries = await findPostgres();
  const port = options.port ?? (await findFreePort());
  const from = data ?? (await dataTemplate(binaries));
  const supervisor = new Supervisor();
  const launch = () => launchAndAwait(supervisor, binaries.postgres, port, from, options.config ?? {});
  try {
    let running = await launch();
    return {
      port,
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      get pid() {
        return running.pid;
      },
      get dir() {
        return running.dir;
      },
      stop: () => supervisor.close(),
      // A crash takes the processes that serve connections along, and a server that hangs hangs whole.
      kill: (name) => signal([running.pid, ...childrenOf(running.pid)], name),
      async restart() {
        running = await launch();
      },
      promote() {
        writeFileSync(join(running.dir, 'data', 'promote'), '');
        process.kill(running.pid, 'SIGUSR1');
      },
    };
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

/**
 * @param {Supervisor} supervisor
 * @param {string} command
 * @param {number} port
 * @param {string} from
 * @param {Readonly<Record<string, string>>} config
 */
async function launchAndAwait(supervisor, command, port, from, config) {
  const settings = Object.entries({ ...defaults, ...config }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const running = await supervisor.start({
    command,
    args: ['-D', '{dir}/data', '-p', String(port), ...settings],
    copies: [{ from, to: 'data' }],
    // The file of a crashed server may name a process id that another process has by now.
    removes: ['data/postmaster.pid'],
    ...(serverUser && { user: serverUser }),
    // Not SIGTERM, which waits for the clients to leave.
    stopSignal: 'SIGQUIT',
  });
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    try {
      await ping(port);
      return running;
    } catch (error) {
      const exit = supervisor.lastExit;
      if (exit?.pid === running.pid)
        throw new Error(`The PostgreSQL server ended while starting:\n${exit.log}`, { cause: error });
      if (Date.now() > deadline) throw new Error('The PostgreSQL server did not get ready', { cause: error });
      await delay(pollMs);
    }
  }
}
