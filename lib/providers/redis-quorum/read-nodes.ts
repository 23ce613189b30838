import { parseDuration } from '../../engine/options/duration.js';
import { isLockConfigurationError, LockConfigurationError } from '../../errors/index.js';
import { inProvider } from '../../module/locking.messages.js';
import { isForCluster } from '../redis/check-options.js';
import type { RedisLockingProviderOptions } from '../redis/redis-options.interface.js';
import type { RedisQuorumLockingProviderOptions, RedisQuorumNode } from './redis-quorum-options.interface.js';
import {
  badNode,
  clusterAsNode,
  nodesMissing,
  nodeTimeoutTooLong,
  repeatedNode,
  tooFewNodes,
  unknownNodeOption,
} from './redis-quorum.messages.js';

const FEWEST_NODES = 3;
const NODE_OPTIONS = ['redisUrl', 'redisOptions', 'client', 'credentials'];
const DEFAULT_NODE_TIMEOUT = '500ms';
const SHORTEST_NODE_TIMEOUT = 10;

/** Two of them in a row, as a call may need, have to fit well into what the engine allows a store: 5 s. */
const LONGEST_NODE_TIMEOUT = 2000;

/** A server as it is to be used. */
export interface NodePlan {
  /** `host:port`: without a secret, for messages. */
  readonly name: string;
  readonly options: RedisLockingProviderOptions;
}

/** @throws LockConfigurationError */
export function readNodeTimeout({ nodeTimeout }: RedisQuorumLockingProviderOptions, id: string): number {
  const rules = { bareUnit: 's', minimum: SHORTEST_NODE_TIMEOUT } as const;
  try {
    const milliseconds = parseDuration(nodeTimeout ?? DEFAULT_NODE_TIMEOUT, 'nodeTimeout', rules);
    if (milliseconds <= LONGEST_NODE_TIMEOUT) return milliseconds;
  } catch (error) {
    if (!isLockConfigurationError(error)) throw error;
    throw new LockConfigurationError(inProvider(id, error.message));
  }
  throw new LockConfigurationError(nodeTimeoutTooLong(id, LONGEST_NODE_TIMEOUT));
}

/**
 * The servers, in an order that is the same in every process.
 *
 * @throws LockConfigurationError
 */
export function readNodes(options: RedisQuorumLockingProviderOptions, id: string): NodePlan[] {
  const { namespace } = options;
  const nodes = options.nodes as unknown;
  if (!Array.isArray(nodes)) throw new LockConfigurationError(nodesMissing(id));
  if (nodes.length < FEWEST_NODES) throw new LockConfigurationError(tooFewNodes(id, nodes.length));
  const names = new Set<string>();
  const clients = new Set<unknown>();
  const plans = nodes.map((entry, position) => {
    const node = readEntry(entry, position, id);
    if (isForCluster(node)) throw new LockConfigurationError(clusterAsNode(id, position));
    const name = nameOf(node) ?? `nodes[${String(position)}]`;
    if (names.has(name) || (node.client && clients.has(node.client))) {
      throw new LockConfigurationError(repeatedNode(id, name));
    }
    names.add(name);
    clients.add(node.client);
    return { name, options: { ...node, namespace } };
  });
  return plans.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function readEntry(entry: unknown, position: number, id: string): RedisQuorumNode {
  if (typeof entry === 'string') return { redisUrl: entry };
  // A URL object, or a client that is not called so, is no list of options.
  if (typeof entry !== 'object' || entry === null || entry instanceof URL || 'duplicate' in entry)
    throw new LockConfigurationError(badNode(id, position));
  const unknown = Object.keys(entry).find((name) => !NODE_OPTIONS.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownNodeOption(id, position, unknown));
  return entry;
}

/** A name that is the same for the same server; nothing where no name can be read, as in a malformed URL. */
function nameOf({ redisUrl, redisOptions, client }: RedisQuorumNode): string | undefined {
  const options = (client as Partial<typeof client>)?.options ?? redisOptions;
  if (redisUrl === undefined) {
    if (options?.sentinels) return `sentinels of ${options.name ?? 'mymaster'}`;
    return options?.path ?? (client && endpoint(options?.host ?? '', options?.port));
  }
  try {
    const { hostname, port } = new URL(redisUrl);
    return hostname === '' ? undefined : endpoint(hostname, port);
  } catch {
    return undefined;
  }
}

function endpoint(host: string, port: string | number | undefined): string {
  const name = host === '' || host.toLowerCase() === 'localhost' ? '127.0.0.1' : host.toLowerCase();
  return `${name}:${String(port === undefined || port === '' ? 6379 : port)}`;
}
