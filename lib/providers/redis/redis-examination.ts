import type { Redis } from 'ioredis';
import type { Finding } from '../../provider-api/operable-store.js';
import { isReply } from './redis-errors.js';
import { redisFindings as say } from './redis-examination.messages.js';

/** The oldest version that the tests run on. */
const OLDEST_MAJOR = 7;

const SAFE_POLICY = 'noeviction';

/** From these shares on there is a warning. */
const FULL_MEMORY = 0.9;
const FULL_CLIENTS = 0.8;

/** A replica acknowledges every second, in seconds. */
const LONGEST_LAG = 10;

/** The counter may be ahead of the clock by the tokens that are set aside, in microseconds. */
const MOST_AHEAD = 60_000_000;

/** Looks over one server with INFO. Changes nothing. */
export async function examineServer(server: Redis, minReplicas: number): Promise<Finding[]> {
  let info: Info;
  try {
    info = parseInfo(await server.info());
  } catch (error) {
    if (!isReply(error)) throw error;
    return [say.notTold(error.message.split(' ', 1)[0] ?? '')];
  }
  return [...version(info), ...memory(info), ...persistence(info), ...replication(info, minReplicas), ...clients(info)];
}

/**
 * @param stored - what the token counter of the namespace holds
 * @param now - the time of its server, in milliseconds
 */
export function examineCounter(stored: string | null, now: number): Finding[] {
  if (stored === null) return [];
  const last = Number(stored);
  // The scripts take no other spelling of a number, and none beyond 9e15.
  if (String(last) !== stored || !Number.isSafeInteger(last) || last >= 9e15) return [say.badCounter()];
  const ahead = last - now * 1000;
  return ahead > MOST_AHEAD ? [say.counterAhead(Math.round(ahead / 1e6))] : [];
}

type Info = ReadonlyMap<string, string>;

function parseInfo(text: string): Info {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : [];
    }),
  );
}

function version(info: Info): Finding[] {
  const valkey = info.get('valkey_version');
  if (valkey !== undefined) return [say.version('Valkey', valkey)];
  const redis = info.get('redis_version');
  if (redis === undefined) return [];
  return [parseInt(redis, 10) < OLDEST_MAJOR ? say.tooOld('Redis', redis) : say.version('Redis', redis)];
}

function memory(info: Info): Finding[] {
  const policy = info.get('maxmemory_policy');
  const most = Number(info.get('maxmemory') ?? 0);
  const share = most > 0 ? Number(info.get('used_memory') ?? 0) / most : 0;
  return [
    ...(policy === undefined ? [] : [policy === SAFE_POLICY ? say.keeps() : say.evicts(policy)]),
    ...(share >= FULL_MEMORY ? [say.nearlyFull(Math.round(share * 100))] : []),
  ];
}

function persistence(info: Info): Finding[] {
  const failed = ['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status'];
  const findings = failed.filter((name) => info.get(name) === 'err').map(say.notSaved);
  const appends = info.get('aof_enabled');
  if (appends !== undefined) findings.push(appends === '1' ? say.appendLog() : say.noAppendLog());
  return findings;
}

function replication(info: Info, minReplicas: number): Finding[] {
  const role = info.get('role');
  if (role === undefined) return [];
  if (role !== 'master') return [say.replica()];
  const connected = Number(info.get('connected_slaves') ?? 0);
  if (connected < minReplicas) return [say.tooFewReplicas(connected, minReplicas)];
  const lagging = [...info].flatMap(([name, value]): Finding[] => {
    if (!/^slave\d+$/.test(name)) return [];
    const fields = new Map(value.split(',').map((part) => part.split('=') as [string, string]));
    const lag = Number(fields.get('lag') ?? 0);
    const address = `${fields.get('ip') ?? ''}:${fields.get('port') ?? ''}`;
    return lag > LONGEST_LAG ? [say.laggingReplica(address, lag)] : [];
  });
  return [...lagging, connected > 0 && minReplicas === 0 ? say.mayLose(connected) : say.replicas(connected)];
}

function clients(info: Info): Finding[] {
  const connected = Number(info.get('connected_clients') ?? 0);
  const most = Number(info.get('maxclients') ?? 0);
  return most > 0 && connected / most >= FULL_CLIENTS ? [say.manyClients(connected, most)] : [];
}
