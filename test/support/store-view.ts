import type { Redis } from 'ioredis';
import { eventually } from './poll.js';

const OWN = 'nestjs-locking:';

/** The token counter, in the namespace that is the default. */
export const FENCE = `lock:${OWN}fence`;

/** How many scripts the server has run since `CONFIG RESETSTAT`. */
export async function scriptCalls(raw: Redis): Promise<number> {
  const stats = await raw.info('commandstats');
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count));
  return calls.reduce((sum, count) => sum + count, 0);
}

/** How many messages have been sent since then. */
export async function messagesSent(raw: Redis): Promise<number> {
  return Number(/cmdstat_publish:calls=(\d+)/.exec(await raw.info('commandstats'))?.[1] ?? 0);
}

/** How many scripts `work` takes. */
export async function callsFor(raw: Redis, work: () => Promise<unknown>): Promise<number> {
  await raw.config('RESETSTAT');
  await work();
  return scriptCalls(raw);
}

/** How many connections are subscribed to something. */
export async function subscribers(raw: Redis): Promise<number> {
  const list = String(await raw.client('LIST', 'TYPE', 'PUBSUB'));
  return list.split('\n').filter((line) => line !== '').length;
}

/** The full name of what is kept for a key, whatever prefix and namespace it has. */
async function nameOf(raw: Redis, kind: 'queue' | 'order', key: string): Promise<string> {
  const names = await raw.keys('*');
  return names.find((name) => name.endsWith(`${OWN}${kind}:${key}`)) ?? 'nothing';
}

/** Waits until so many processes stand in line for a key. */
export async function untilQueued(raw: Redis, key: string, count: number): Promise<void> {
  await eventually(async () => (await raw.llen(await nameOf(raw, 'order', key))) === count);
}

async function fieldsOf(raw: Redis, key: string): Promise<[field: string, value: string][]> {
  return Object.entries(await raw.hgetall(await nameOf(raw, 'queue', key)));
}

/** When those who stand in line for a key last gave a sign of life, in milliseconds of the server's clock. */
export async function heartbeats(raw: Redis, key: string): Promise<number[]> {
  const places = (await fieldsOf(raw, key)).filter(([field]) => !field.startsWith('!'));
  return places.map(([, place]) => Number(place.split(' ')[0]));
}

/** How many attempts at a key are refused, should they come, and for how long that is kept. */
export async function tombstones(raw: Redis, key: string): Promise<{ count: number; left: number }> {
  const refused = (await fieldsOf(raw, key)).filter(([field]) => field.startsWith('!'));
  return { count: refused.length, left: await raw.pttl(await nameOf(raw, 'queue', key)) };
}

/** Waits until the store holds nothing but the token counter, and what will be forgotten without anybody's doing. */
export async function untilClean(raw: Redis): Promise<void> {
  await eventually(async () => {
    const others = (await raw.keys('*')).filter((key) => key !== FENCE);
    const fields = await Promise.all(others.map((key) => raw.hkeys(key).catch(() => ['another type'])));
    const forgotten = await Promise.all(others.map((key) => raw.pttl(key)));
    return forgotten.every((left) => left > 0) && fields.flat().every((field) => field.startsWith('!'));
  });
}
