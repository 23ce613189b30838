// @ts-check
import { setTimeout as delay } from 'node:timers/promises';
import { startRedisServer } from './start.mjs';
import { findFreePort } from '../server-process/free-port.mjs';
import { command, until } from './cluster-commands.mjs';
import { beginSlotMigration } from './slot-migration.mjs';

const slotCount = 16_384;
const startAttempts = 5;
const readyWithinMs = 30_000;

/** @typedef {import('./index.mjs').RedisClusterNode} Node */

/**
 * @param {import('./index.mjs').RedisClusterOptions} [options]
 * @returns {Promise<import('./index.mjs').RedisCluster>}
 */
export async function startRedisCluster({ masters = 3, replicas = 1, config = {} } = {}) {
  const settled = await Promise.allSettled(Array.from({ length: masters * (1 + replicas) }, () => startNode(config)));
  const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => void (await Promise.all(started.map(({ server }) => server.stop())));
  try {
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    const nodes = await identify(started);
    await join(nodes, masters);
    return clusterHandle(nodes, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @param {Readonly<Record<string, string>>} config */
async function startNode(config) {
  for (let attempt = 1; ; attempt++) {
    // A bus port of its own: the usual one, port + 10000, is among those that the system gives to outgoing connections.
    const busPort = await findFreePort();
    try {
      const server = await startRedisServer({
        config: {
          'cluster-enabled': 'yes',
          'cluster-port': String(busPort),
          'cluster-node-timeout': '2000',
          // A replica is a candidate for election however old its data is on a busy machine.
          'cluster-replica-validity-factor': '0',
          'cluster-allow-replica-migration': 'no',
          'repl-diskless-sync-delay': '0',
          ...config,
        },
      });
      return { server, busPort };
    } catch (error) {
      if (attempt === startAttempts) throw error;
    }
  }
}

/**
 * @param {readonly { server: import('./index.mjs').RedisServer, busPort: number }[]} started
 * @returns {Promise<Node[]>}
 */
function identify(started) {
  return Promise.all(
    started.map(async ({ server, busPort }) => {
      const id = String(await command(server.port, 'CLUSTER', 'MYID'));
      return { id, host: '127.0.0.1', port: server.port, busPort, url: server.url, server };
    }),
  );
}

/**
 * @param {readonly Node[]} nodes the masters first, then as many replicas for each
 * @param {number} masters
 */
async function join(nodes, masters) {
  await Promise.all(
    nodes.slice(0, masters).map(async ({ port }, index) => {
      // Different epochs from the start spare the nodes the work of agreeing on them.
      await command(port, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      const from = Math.floor((index * slotCount) / masters);
      const to = Math.floor(((index + 1) * slotCount) / masters) - 1;
      await command(port, 'CLUSTER', 'ADDSLOTSRANGE', from, to);
    }),
  );
  // Introduces every pair: with gossip alone, a node that misses a message on a busy machine takes long to learn of
  // another.
  for (const [index, { port }] of nodes.entries()) {
    for (const other of nodes.slice(index + 1)) {
      await command(port, 'CLUSTER', 'MEET', other.host, other.port, other.busPort);
    }
  }
  await until('all nodes know each other', readyWithinMs, () =>
    every(nodes, async ({ port }) => {
      const known = await clusterNodes(port);
      return known.length === nodes.length && known.every(({ flags }) => !flags.includes('handshake'));
    }),
  );
  await Promise.all(
    nodes.slice(masters).map(async (replica, index) => {
      const master = /** @type {Node} */ (nodes[index % masters]);
      await command(replica.port, 'CLUSTER', 'REPLICATE', master.id);
    }),
  );
  await until('the cluster is ready', readyWithinMs, () => every(nodes, (node) => isReady(node, nodes, masters)));
}

/**
 * @param {Node} node
 * @param {readonly Node[]} nodes
 * @param {number} masters
 */
async function isReady({ port }, nodes, masters) {
  if (!(await isUp(port))) return false;
  const known = await clusterNodes(port);
  if (known.filter(({ flags }) => flags.includes('slave')).length !== nodes.length - masters) return false;
  const replication = String(await command(port, 'INFO', 'replication'));
  return replication.includes('role:master')
    ? replication.includes(`connected_slaves:${nodes.length / masters - 1}\r\n`)
    : replication.includes('master_link_status:up');
}

/**
 * @param {readonly Node[]} nodes
 * @param {() => Promise<void>} stop
 * @returns {import('./index.mjs').RedisCluster}
 */
function clusterHandle(nodes, stop) {
  /** @param {string | number} keyOrSlot */
  const slotOf = async (keyOrSlot) =>
    typeof keyOrSlot === 'number'
      ? keyOrSlot
      : Number(await ask(nodes, (port) => command(port, 'CLUSTER', 'KEYSLOT', keyOrSlot)));

  /**
   * The node that is master of a slot and says so itself.
   *
   * @param {string | number} keyOrSlot
   * @returns {Promise<Node>}
   */
  const masterOf = async (keyOrSlot) => {
    const slot = await slotOf(keyOrSlot);
    for (const node of nodes) {
      const own = await clusterNodes(node.port).then(
        (known) => known.find(({ flags }) => flags.includes('myself')),
        () => undefined,
      );
      if (own?.flags.includes('master') && own.slots.some(([from, to]) => slot >= from && slot <= to)) return node;
    }
    throw new Error(`No node of the cluster serves slot ${slot}`);
  };

  return {
    nodes,
    slotOf,
    masterOf,
    stop,
    async replicasOf(master) {
      const known = await ask(nodes, (port) => clusterNodes(port));
      const ids = new Set(known.filter(({ masterId }) => masterId === master.id).map(({ id }) => id));
      return nodes.filter(({ id }) => ids.has(id));
    },
    newMasterOf: (keyOrSlot, old, withinMs = 30_000) =>
      until(`another node than ${old.port} serves ${keyOrSlot}`, withinMs, async () => {
        const node = await masterOf(keyOrSlot);
        return node !== old && (await isUp(node.port)) && node;
      }),
    async ready(withinMs = 30_000) {
      await until('all running nodes see the cluster up', withinMs, async () => {
        const states = await Promise.all(nodes.map(({ port }) => isUp(port).catch(() => true)));
        return states.every(Boolean);
      });
    },
    async beginSlotMigration(slot, to) {
      return beginSlotMigration(nodes, slot, await masterOf(slot), to);
    },
    async migrateSlot(slot, to) {
      const migration = await beginSlotMigration(nodes, slot, await masterOf(slot), to);
      await migration.moveKeys();
      await migration.finish();
    },
  };
}

/**
 * The answer of the first node that answers.
 *
 * @template T
 * @param {readonly Node[]} nodes
 * @param {(port: number) => Promise<T>} question
 * @returns {Promise<T>}
 */
async function ask(nodes, question) {
  /** @type {unknown} */
  let failure;
  for (const { port } of nodes) {
    try {
      return await question(port);
    } catch (error) {
      failure = error;
    }
    await delay(0);
  }
  throw failure;
}

/** @param {number} port */
async function isUp(port) {
  return String(await command(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok');
}

/**
 * `CLUSTER NODES`, as one node sees it.
 *
 * @param {number} port
 */
async function clusterNodes(port) {
  const text = String(await command(port, 'CLUSTER', 'NODES'));
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', , flags = '', masterId = '', , , , , ...slots] = line.split(' ');
      return {
        id,
        flags: flags.split(','),
        masterId,
        slots: slots.filter((range) => !range.startsWith('[')).map(range),
      };
    });
}

/**
 * @param {string} text `5` or `5-9`
 * @returns {[number, number]}
 */
function range(text) {
  const [from = NaN, to = from] = text.split('-').map(Number);
  return [from, to];
}

/**
 * @param {readonly Node[]} nodes
 * @param {(node: Node) => Promise<boolean>} condition
 */
async function every(nodes, condition) {
  return (await Promise.all(nodes.map(condition))).every(Boolean);
}
