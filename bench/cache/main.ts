import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startRedisServer } from '../../tools/redis-server/index.mjs';
import { now } from '../clock.js';
import { markdownTable } from '../page/markdown-table.js';
import { installPeers } from '../peers/install.js';
import { PEERS_FOLDER } from '../peers/location.js';
import { median, sum } from '../statistics.js';
import { CONTENDERS } from './contenders.js';
import type { Burst, Order } from './worker.js';

/** Long enough that no call of a burst finds the value that the burst loads expired. */
const TTL = 1000;
const STALE_FOR = 600_000;
const LOAD_TIME = 50;
const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** Installed in `bench/peers`, and not for the tests as well. */
const OF_PEERS = new Set(['bentocache', 'cacheable']);

interface Scenario {
  readonly title: string;
  readonly processes: number;
  /** Calls of each process. */
  readonly calls: number;
  readonly onRedis: boolean;
  readonly staleFor: number;
}

const SCENARIOS: readonly Scenario[] = [
  { title: 'one process, 1,000 calls, in memory', processes: 1, calls: 1000, onRedis: false, staleFor: 0 },
  { title: 'the same, a stale value may be served', processes: 1, calls: 1000, onRedis: false, staleFor: STALE_FOR },
  { title: 'four processes, 250 calls each, on Redis', processes: 4, calls: 250, onRedis: true, staleFor: 0 },
  { title: 'the same, a stale value may be served', processes: 4, calls: 250, onRedis: true, staleFor: STALE_FOR },
];

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '11' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: a whole number from 1 on');

await installPeers(new AbortController().signal);
const redis = await startRedisServer();
try {
  const rows: string[][] = [];
  for (const scenario of SCENARIOS) rows.push(...(await measure(scenario)));
  console.log(markdownTable(['at an expiry', 'cache', 'loads', 'p99, ms'], rows));
  console.log(
    `\n${versions()}\nA load takes ${String(LOAD_TIME)} ms. Medians of ${String(rounds)} expiries, taken in turn.`,
  );
} finally {
  await redis.stop();
}

function versions(): string {
  const found = Object.keys(CONTENDERS).map((name) => {
    const modules = OF_PEERS.has(name) ? path.join(PEERS_FOLDER, 'node_modules') : 'node_modules';
    const file = name === 'nestjs-locking' ? 'package.json' : path.join(modules, name, 'package.json');
    return `${name} ${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version}`;
  });
  return `Node ${process.versions.node}, ${found.join(', ')}.`;
}

/** Each cache takes an expiry in turn, each round in another order: the speed of a machine drifts. */
async function measure(scenario: Scenario): Promise<string[][]> {
  const { title, processes, onRedis, staleFor } = scenario;
  const names = Object.keys(CONTENDERS).filter((name) => staleFor === 0 || CONTENDERS[name]?.servesStale);
  const crews = new Map<string, ChildProcess[]>();
  const results = new Map<string, { loads: number; p99: number }[]>(names.map((name) => [name, []]));
  try {
    for (const name of names) {
      const args = onRedis ? [name, redis.url] : [name];
      crews.set(name, await Promise.all(Array.from({ length: processes }, async () => start(args))));
    }
    // The first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const first = round % names.length;
      for (const name of [...names.slice(first), ...names.slice(0, first)]) {
        const result = await expire(crews.get(name) ?? [], `${name}:${String(round)}`, scenario);
        if (round > 0) results.get(name)?.push(result);
      }
    }
  } finally {
    for (const worker of [...crews.values()].flat()) worker.disconnect();
  }
  return [...results].map(([name, all], index) => [
    index === 0 ? title : '',
    name,
    String(median(all.map(({ loads }) => loads))),
    median(all.map(({ p99 }) => p99)).toFixed(0),
  ]);
}

async function expire(
  workers: readonly ChildProcess[],
  key: string,
  { calls, staleFor }: Scenario,
): Promise<{ loads: number; p99: number }> {
  const about = { key, ttl: TTL, staleFor };
  const [first] = workers;
  if (first) await ask(first, { do: 'prime', ...about });
  await delay(TTL + 50);
  const order: Order = { do: 'burst', ...about, at: now() + 50, calls, loadTime: LOAD_TIME };
  const bursts = await Promise.all(workers.map(async (worker) => ask(worker, order)));
  const times = bursts.flatMap((burst) => burst?.times ?? []).sort((a, b) => a - b);
  return {
    loads: sum(bursts.map((burst) => burst?.loads ?? 0)),
    p99: times[Math.ceil(times.length * 0.99) - 1] ?? NaN,
  };
}

async function start(args: readonly string[]): Promise<ChildProcess> {
  const worker = fork(WORKER, args);
  await answer(worker);
  return worker;
}

async function ask(worker: ChildProcess, order: Order): Promise<Burst | null> {
  const answered = answer(worker);
  worker.send(order);
  return (await answered) as Burst | null;
}

async function answer(worker: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(worker, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('a process of the bench ended early');
  });
  try {
    const [message] = (await Promise.race([once(worker, 'message', { signal: ended.signal }), exit])) as [
      { readonly result?: unknown; readonly error?: string },
    ];
    if (message.error !== undefined) throw new Error(message.error);
    return message.result;
  } finally {
    ended.abort();
    exit.catch(() => undefined);
  }
}
