import type { Redis } from 'ioredis';
import { eventually } from './poll.js';

const OWN = 'nestjs-locking:';

/** The token counter in the default namespace. */
export const FENCE = `lock:${OWN}fence`;

/** How many scripts the server has run since `CONFIG RESETSTAT`. */
export async function scriptCalls(raw: Redis): Promise<number> {
  const stats = await raw.info('commandstats');
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count));
  return calls.reduce((sum, count) => sum + count, 0);
}

/** How many messages the server has sent since `CONFIG RESETSTAT`. */
export async function messagesSent(raw: Redis): Promise<number> {
  return Number(/cmdstat_publish:calls=(\d+)/.exec(await raw.info('commandstats'))?.[1] ?? 0);
}

/** How many scripts the server runs during `work`. */
export async function callsFor(raw: Redis, work: () => Promise<unknown>): Promise<number> {
  await raw.config('RESETSTAT');
  await work();
  return scriptCalls(raw);
}

/** How many connections are subscribed to a channel. */
export async function subscribers(raw: Redis): Promise<number> {
  const list = String(await raw.client('LIST', 'TYPE', 'PUBSUB'));
  return list.split('\n').filter((line) => line !== '').length;
}

/** The full name of the store's record for a key, whatever prefix and namespace it has. */
async function nameOf(raw: Redis, kind: 'queue' | 'order', key: string): Promise<string> {
  const names = await raw.keys('*');
  return names.find((name) => name.endsWith(`${OWN}${kind}:${key}`)) ?? 'nothing';
}

/** Resolves once `count` processes are in the queue of `key`. */
export async function untilQueued(raw: Redis, key: string, count: number): Promise<void> {
  await eventually(async () => (await raw.llen(await nameOf(raw, 'order', key))) === count);
}

async function fieldsOf(raw: Redis, key: string): Promise<[field: string, value: string][]> {
  return Object.entries(await raw.hgetall(await nameOf(raw, 'queue', key)));
}

/** The times of the last heartbeats in the queue of a key, in milliseconds of the server's clock. */
export async function heartbeats(raw: Redis, key: string): Promise<number[]> {
  const entries = (await fieldsOf(raw, key)).filter(([field]) => !field.startsWith('!'));
  return entries.map(([, entry]) => Number(entry.split(' ')[0]));
}

/** The number of tombstones of a key, and the milliseconds until they expire. */
export async function tombstones(raw: Redis, key: string): Promise<{ count: number; left: number }> {
  const refused = (await fieldsOf(raw, key)).filter(([field]) => field.startsWith('!'));
  return { count: refused.length, left: await raw.pttl(await nameOf(raw, 'queue', key)) };
}

/** Resolves once the store holds nothing but the token counter and tombstones that expire. */
export async function untilClean(raw: Redis): Promise<void> {
  await eventually(async () => {
    const others = (await raw.keys('*')).filter((key) => key !== FENCE);
    const fields = await Promise.all(others.map((key) => raw.hkeys(key).catch(() => ['another type'])));
    const forgotten = await Promise.all(others.map((key) => raw.pttl(key)));
    return forgotten.every((left) => left > 0) && fields.flat().every((field) => field.startsWith('!'));
  });
}
