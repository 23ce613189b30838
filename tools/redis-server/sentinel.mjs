// @ts-check
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedisServer } from './start.mjs';

const name = 'locks';
const host = '127.0.0.1';
/** More than twice their failover-timeout: the sentinels have given up a failover by then. */
const giveUpAfterMs = 5000;
const readyWithinMs = 30_000;
const pollMs = 25;

/** Without the usual 5 s delay a replica is in step within milliseconds. */
const serverConfig = { 'repl-diskless-sync-delay': '0', 'repl-ping-replica-period': '1' };

/**
 * Sentinels check each other every 2 s and replicas every 10 s, and turn a former master into a replica after four
 * checks. Tests that cause one failover after another need it faster.
 */
const hurried = ['info-period', '500', 'publish-period', '250'];

/**
 * @param {import('./index.mjs').SentinelOptions} [options]
 * @returns {Promise<import('./index.mjs').SentinelGroup>}
 */
export async function startSentinels({ replicas = 1, sentinels = 3, hurry = true, config = {} } = {}) {
  /** @type {import('./index.mjs').RedisServer[]} */
  const started = [];
  /** @param {import('./index.mjs').RedisServerOptions} options */
  const start = async (options) => {
    const server = await startRedisServer({ ...options, rewritesConfig: true });
    started.push(server);
    return server;
  };
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
  };
  /**
   * @template T
   * @param {readonly Promise<T>[]} tasks
   */
  const all = async (tasks) => {
    // Servers that start late must be known before any server is stopped.
    await Promise.allSettled(tasks);
    return Promise.all(tasks);
  };

  try {
    const first = await start({ config: { ...serverConfig, ...config } });
    const replicaof = `${host} ${first.port}`;
    const others = await all(
      Array.from({ length: replicas }, () => start({ config: { ...serverConfig, ...config, replicaof } })),
    );
    const servers = [first, ...others];
    const watching = await all(
      Array.from({ length: sentinels }, () => start({ sentinel: true, config: sentinelConfig(first.port, sentinels) })),
    );
    if (hurry) await all(watching.map(({ port }) => ask(port, 'debug', ...hurried)));
    const group = groupOf({ servers, watching, stop });
    await group.settled();
    return group;
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {number} masterPort
 * @param {number} sentinels
 */
function sentinelConfig(masterPort, sentinels) {
  const quorum = Math.floor(sentinels / 2) + 1;
  return {
    'sentinel monitor': `${name} ${host} ${masterPort} ${quorum}`,
    'sentinel down-after-milliseconds': `${name} 500`,
    // Twice this time passes between a failed attempt and the next one, too.
    'sentinel failover-timeout': `${name} 2000`,
  };
}

/**
 * @param {object} parts
 * @param {import('./index.mjs').RedisServer[]} parts.servers
 * @param {import('./index.mjs').RedisServer[]} parts.watching
 * @param {() => Promise<void>} parts.stop
 * @returns {import('./index.mjs').SentinelGroup}
 */
function groupOf({ servers, watching, stop }) {
  const master = async () => {
    const answers = await Promise.allSettled(watching.map(({ port }) => ask(port, 'get-master-addr-by-name', name)));
    const [, port] = majority(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : [])));
    const found = servers.find((server) => String(server.port) === port);
    if (!found) throw new Error(`The sentinels do not agree on a master, or name one that is not ours: ${port}`);
    return found;
  };

  const settled = async () => {
    await until('the replicas follow the master and the sentinels know everybody', async () => {
      const now = await master();
      if (!/^role:master/m.test(await info(now.port))) return false;
      for (const server of servers.filter(({ port }) => port !== now.port)) {
        const text = await info(server.port);
        if (!text.includes(`master_port:${now.port}\r`) || !text.includes('master_link_status:up')) return false;
      }
      for (const { port } of watching) {
        const seen = pairs(await ask(port, 'master', name));
        if (seen.get('flags') !== 'master' || seen.get('port') !== String(now.port)) return false;
        if (seen.get('num-other-sentinels') !== String(watching.length - 1)) return false;
        const followers = /** @type {unknown[]} */ (await ask(port, 'replicas', name)).map(pairs);
        const good = followers.filter(
          (each) => each.get('master-link-status') === 'ok' && each.get('flags') === 'slave',
        );
        if (good.length < servers.length - 1) return false;
      }
      return true;
    });
  };

  return {
    name,
    servers,
    sentinels: watching.map(({ port }) => ({ host, port })),
    sentinelServers: watching,
    master,
    settled,
    stop,
    async failover() {
      const before = await master();
      const since = await epoch();
      const [asked] = watching;
      if (!asked) throw new Error('There is no sentinel');
      let askAgainAt = 0;
      await until('another master is elected', async () => {
        if (await isReplaced(before, since)) return true;
        // Sentinels refuse a failover while the one before is under way or while no replica is known to be good; and
        // they may give up one that has begun for want of a good replica.
        if (Date.now() >= askAgainAt) {
          await ask(asked.port, 'failover', name);
          askAgainAt = Date.now() + giveUpAfterMs;
        }
        return false;
      });
      return master();
    },
    async elected(before) {
      const since = await epoch();
      await until('another master is elected', () => isReplaced(before, since));
      return master();
    },
    async agreed() {
      await until('all sentinels are done with the failover', async () => {
        const seen = await Promise.all(watching.map(async ({ port }) => pairs(await ask(port, 'master', name))));
        const ports = new Set(seen.map((each) => each.get('port')));
        return ports.size === 1 && seen.every((each) => each.get('flags') === 'master');
      });
    },
  };

  /**
   * The sentinels may have made a failover of their own meanwhile, and the requested one may have moved the master
   * back: so it compares the number of the election as well.
   *
   * @param {import('./index.mjs').RedisServer} before
   * @param {number} since
   */
  async function isReplaced(before, since) {
    const now = await master();
    return (now !== before || (await epoch()) >= since + 2) && /^role:master/m.test(await info(now.port));
  }

  /** The number of the last election that any sentinel knows of. */
  async function epoch() {
    const seen = await Promise.allSettled(watching.map(async ({ port }) => pairs(await ask(port, 'master', name))));
    return Math.max(
      0,
      ...seen.map((each) => (each.status === 'fulfilled' ? Number(each.value.get('config-epoch')) : 0)),
    );
  }
}

/**
 * The answer of more than half of the sentinels: one of them may not have heard of a failover yet.
 *
 * @param {unknown[]} answers
 * @returns {string[]}
 */
function majority(answers) {
  const texts = answers.map((answer) => JSON.stringify(answer));
  const most = texts.find((text) => texts.filter((other) => other === text).length > answers.length / 2);
  return most === undefined ? [] : (JSON.parse(most) ?? []);
}

/**
 * @param {number} port
 * @param {...string} args
 */
async function ask(port, ...args) {
  return once(port, (client) => client.call('SENTINEL', ...args));
}

/** @param {number} port */
async function info(port) {
  return once(port, (client) => client.info('replication'));
}

/**
 * @template T
 * @param {number} port
 * @param {(client: Redis) => Promise<T>} command
 */
async function once(port, command) {
  const client = new Redis(port, host, {
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: 1000,
    commandTimeout: 2000,
    protocol: 2,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await command(client);
  } finally {
    client.disconnect();
  }
}

/** @param {unknown} flat */
function pairs(flat) {
  const list = /** @type {string[]} */ (flat);
  return new Map(list.flatMap((key, index) => (index % 2 ? [] : [[key, list[index + 1]]])));
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} condition
 */
async function until(what, condition) {
  const deadline = Date.now() + readyWithinMs;
  /** @type {unknown} */
  let cause;
  for (;;) {
    if (
      await condition().catch((error) => {
        cause = error;
        return false;
      })
    )
      return;
    if (Date.now() > deadline) throw new Error(`It did not happen within ${readyWithinMs} ms: ${what}`, { cause });
    await delay(pollMs);
  }
}
