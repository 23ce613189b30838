// @ts-check
import { setTimeout as delay } from 'node:timers/promises';
import { findRedisServer } from './find-binary.mjs';
import { findFreePort } from '../server-process/free-port.mjs';
import { signal } from '../server-process/signal.mjs';
import { Supervisor } from '../server-process/supervisor.mjs';
import { ping } from './ping.mjs';

const readyWithinMs = 10_000;
const pollMs = 10;
const portAttempts = 5;

/**
 * @param {import('./index.mjs').RedisServerOptions} [options]
 * @returns {Promise<import('./index.mjs').RedisServer>}
 */
export async function startRedisServer(options = {}) {
  const binary = await findRedisServer();
  const supervisor = new Supervisor();
  try {
    for (let attempt = 1; ; attempt++) {
      const port = options.port ?? (await findFreePort());
      try {
        const launch = (again = false) => launchAndAwait(supervisor, binary, port, options, again);
        return serverHandle(supervisor, port, options.password, () => launch(true), await launch());
      } catch (error) {
        // Another process has taken the port between the check and the server's own bind.
        const taken = /address already in use/i.test(String(error));
        if (!taken || options.port !== undefined || attempt === portAttempts) throw error;
      }
    }
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

/**
 * @param {Supervisor} supervisor
 * @param {number} port
 * @param {string | undefined} password
 * @param {() => Promise<{ pid: number, dir: string }>} relaunch
 * @param {{ pid: number, dir: string }} running
 * @returns {import('./index.mjs').RedisServer}
 */
function serverHandle(supervisor, port, password, relaunch, running) {
  return {
    port,
    url: `redis://${password ? `:${encodeURIComponent(password)}@` : ''}127.0.0.1:${port}`,
    get pid() {
      return running.pid;
    },
    get dir() {
      return running.dir;
    },
    stop: () => supervisor.close(),
    kill: (name) => signal([running.pid], name),
    async restart() {
      running = await relaunch();
    },
  };
}

/**
 * @param {Supervisor} supervisor
 * @param {import('./index.mjs').RedisBinary} binary
 * @param {number} port
 * @param {import('./index.mjs').RedisServerOptions} options
 * @param {boolean} again
 */
async function launchAndAwait(supervisor, { command, args }, port, options, again) {
  const { password, config, rewritesConfig = false, sentinel = false } = options;
  const running = await supervisor.start({
    command,
    args: [...args, '{dir}/redis.conf', ...(sentinel ? ['--sentinel'] : [])],
    // A server that takes part in failovers has written its present role there, and must keep it.
    files: [{ name: 'redis.conf', text: configText(port, password, config, sentinel), keeps: again && rewritesConfig }],
  });
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    try {
      await ping({ port, password, pid: running.pid });
      return running;
    } catch (error) {
      const exit = supervisor.lastExit;
      if (exit?.pid === running.pid)
        throw new Error(`The Redis server ended while starting:\n${exit.log}`, { cause: error });
      if (Date.now() > deadline) throw new Error('The Redis server did not get ready', { cause: error });
      await delay(pollMs);
    }
  }
}

/**
 * A file instead of arguments: directives keep their own syntax, and a password does not show in the process list.
 *
 * @param {number} port
 * @param {string | undefined} password
 * @param {Readonly<Record<string, string>> | undefined} config
 * @param {boolean} sentinel
 */
function configText(port, password, config, sentinel) {
  const directives = {
    bind: '127.0.0.1',
    port: String(port),
    // A sentinel does not know these two directives.
    ...(!sentinel && { save: '', appendonly: 'no' }),
    ...(password && { requirepass: JSON.stringify(password) }),
    ...config,
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`)
    .join('');
}
