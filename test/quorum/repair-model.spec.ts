import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { QuorumLeases } from '../../lib/providers/redis-quorum/quorum-leases.js';
import { QuorumNode } from '../../lib/providers/redis-quorum/quorum-node.js';
import { Tally } from '../../lib/providers/redis-quorum/tally.js';
import { RUNS } from '../support/model-runs.js';
import { eventually } from '../support/poll.js';
import '../support/property-seed.js';
import { SimulatedNode } from './simulated-node.js';

/** Half the runs, as a schedule with cut connections waits for repetitions. */
const runs = Math.ceil(RUNS / 2);
const TIMEOUT = 60_000 + 2000 * runs;

type Step = readonly ['acquire' | 'renew' | 'release' | 'restart' | 'cut' | 'force', number];

const WEIGHTS: [Step[0], number][] = [
  ['acquire', 4],
  ['renew', 8],
  ['release', 3],
  ['restart', 6],
  ['cut', 3],
  ['force', 1],
];

/** A generator of numbers from 0 to 1 that are the same in each run. */
function lehmer(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** One process, which follows the schedule and believes the answers. */
class Contender {
  attemptId?: string;
  isAcquiring = false;
  /** An operator has revoked its lock: it may believe that it holds it until its next renewal. */
  isRevoked = false;
  private count = 0;

  constructor(
    private readonly id: string,
    private readonly leases: QuorumLeases,
  ) {}

  get holds(): boolean {
    return this.attemptId !== undefined;
  }

  async acquire(): Promise<void> {
    if (this.holds || this.isAcquiring) return;
    this.isAcquiring = true;
    const attemptId = `${this.id}.${this.count++}`;
    const request = { keys: ['k'], ownerId: attemptId, attemptId, processId: this.id, ttl: null, onlyIfOwned: false };
    try {
      const [answer] = await Promise.all(this.leases.acquire([request]));
      if (answer?.granted) {
        this.attemptId = attemptId;
        this.isRevoked = false;
      }
    } catch {
      await this.tell(attemptId, { processId: this.id, pending: true });
    } finally {
      this.isAcquiring = false;
    }
  }

  async renew(): Promise<void> {
    const { attemptId, isRevoked } = this;
    if (attemptId === undefined) return;
    const lease = { attemptId, fencingToken: 1, lastToken: 1, remaining: null };
    const request = { keys: ['k'], ownerId: attemptId, ttl: null, attemptId, leases: [lease] };
    // Without an answer the lock is neither held nor lost.
    const [held] = await Promise.all(this.leases.extend([request])).catch(() => []);
    if (this.attemptId !== attemptId || !held) return;
    if (isRevoked) expect(held).toEqual([false]);
    if (held[0] === false) this.attemptId = undefined;
  }

  async release(): Promise<void> {
    const { attemptId } = this;
    this.attemptId = undefined;
    if (attemptId !== undefined) await this.tell(attemptId, {});
  }

  async force(): Promise<void> {
    await this.leases.revoke(['k']).catch(() => 0);
  }

  /** Repeats the request until a majority has answered, like the engine. */
  private async tell(attemptId: string, how: object): Promise<void> {
    const request = { keys: ['k'], ownerId: attemptId, attemptId, ...how };
    for (;;) {
      const outcome = await Promise.all(this.leases.release([request])).catch(() => undefined);
      if (outcome) return;
    }
  }
}

async function play(steps: readonly Step[], size: number, seed: number): Promise<void> {
  const random = lehmer(seed);
  const nodes = Array.from({ length: size }, () => new SimulatedNode(random));
  const reports = { leftOut: () => undefined, answersAgain: () => undefined };
  const all: QuorumNode[] = [];
  const contenders: Contender[] = [];
  for (const id of ['p', 'q', 'r']) {
    const own = nodes.map((node, index) => new QuorumNode(String(index), node.connection(), 5000, reports));
    for (const node of own) await node.connect(() => undefined);
    const patience = { nodeTimeout: 5000, grace: 500 };
    contenders.push(new Contender(id, new QuorumLeases({ nodes: own, tally: new Tally(size), patience })));
    all.push(...own);
  }
  const underway = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const start = (work: Promise<void>): void => {
    const done = work.catch((error: unknown) => void failures.push(error)).finally(() => underway.delete(done));
    underway.add(done);
  };
  const isOnAll = ({ attemptId = '' }: Contender): boolean =>
    nodes.every(({ locks }) => locks.get('k')?.attempts.includes(attemptId));
  /** A node may lose its data only while held locks are on all nodes and no attempt is under way. */
  const mayRestart = (): boolean =>
    contenders.every((one) => !one.isAcquiring && (!one.holds || one.isRevoked || isOnAll(one)));

  for (const [action, which] of steps) {
    const contender = contenders[which % contenders.length]!;
    const node = nodes[which % size]!;
    if (action === 'restart') {
      if (mayRestart()) node.restart();
    } else if (action === 'cut') node.cutConnections();
    else if (action === 'force') {
      // An attempt that is granted before the last node is told might lose its key, too.
      if (contenders.some(({ isAcquiring }) => isAcquiring)) continue;
      await contender.force();
      await eventually(() => nodes.every(({ isForcing }) => !isForcing));
      for (const holder of contenders) holder.isRevoked ||= holder.holds;
    } else start(contender[action]());
    for (let turns = Math.floor(random() * 12); turns > 0; turns -= 1) await new Promise(setImmediate);
    expect(contenders.filter(({ holds, isRevoked }) => holds && !isRevoked).length).toBeLessThanOrEqual(1);
  }
  await Promise.all(underway);
  // A minority of nodes may have a revoked lock again, until its holder finds out.
  await Promise.all(contenders.filter(({ isRevoked }) => isRevoked).map(async (one) => one.renew()));
  await Promise.all(contenders.map(async (one) => one.release()));
  expect(failures).toEqual([]);
  await eventually(() => nodes.every(({ locks }) => locks.size === 0), 5000);
  await Promise.all(all.map(async (node) => node.close()));
}

describe.each([3, 5])('%d nodes that lose their data one at a time', (size) => {
  it(
    'two processes never hold a lock that was on all nodes, and released locks leave nothing: nodes lose their data',
    async () => {
      const action = fc.oneof(...WEIGHTS.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })));
      const step = fc.tuple(action, fc.nat({ max: 14 }));
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), fc.nat(), async (steps, seed) =>
          play(steps, size, seed),
        ),
        { numRuns: runs, endOnFailure: true },
      );
    },
    TIMEOUT,
  );
});
