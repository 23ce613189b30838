import { describe, expect, it } from '@jest/globals';
import type { LeaseAnswer, ReleaseRequest } from '../../lib/index.js';
import { QuorumLeases } from '../../lib/providers/redis-quorum/quorum-leases.js';
import { QuorumNode, type NodeStore } from '../../lib/providers/redis-quorum/quorum-node.js';
import { Tally } from '../../lib/providers/redis-quorum/tally.js';
import { eventually } from '../support/poll.js';

const REFUSED: LeaseAnswer = { granted: false, key: 'k', remaining: 1000 };
const GRANTED: LeaseAnswer = { granted: true, fencingTokens: [1], reentered: [false] };

/** A server that grants from the `from`th request on, and records the cancels. */
class ScriptedNode {
  readonly undone: ReleaseRequest[] = [];
  private questions = 0;

  constructor(private readonly from: number) {}

  readonly store = {
    connect: async (onConnected: () => void) => Promise.resolve(onConnected()),
    close: async () => Promise.resolve(),
    acquireBatch: () => {
      this.questions += 1;
      return [Promise.resolve(this.questions >= this.from ? GRANTED : REFUSED)];
    },
    endBatch: (requests: readonly ReleaseRequest[]) =>
      requests.map(async (request) => {
        this.undone.push(request);
        return Promise.resolve(['freed'] as const);
      }),
  } as unknown as NodeStore;
}

describe('a tie among nodes', () => {
  it.each([2, 3, 4])(
    'grants of a tie are cancelled if the attempt fails, also if the node granted at request %i',
    async (from) => {
      const scripts = [1, from, Infinity, Infinity, Infinity].map((first) => new ScriptedNode(first));
      const reports = { leftOut: () => undefined, answersAgain: () => undefined };
      const nodes = scripts.map(({ store }, index) => new QuorumNode(String(index), store, 5000, reports));
      for (const node of nodes) await node.connect(() => undefined);
      const leases = new QuorumLeases({ nodes, tally: new Tally(5), patience: { nodeTimeout: 5000, grace: 500 } });
      const request = { keys: ['k'], ownerId: 'p', attemptId: 'p.1', processId: 'p', ttl: 30_000, onlyIfOwned: false };
      const [answer] = await Promise.all(leases.acquire([request]));
      expect(answer?.granted).toBe(false);
      await eventually(() => scripts[0]!.undone.length > 0 && scripts[1]!.undone.length > 0);
      for (const { undone } of scripts.slice(0, 2))
        expect(undone[0]).toMatchObject({ attemptId: 'p.1', pending: false });
      await Promise.all(nodes.map(async (node) => node.close()));
    },
  );
});
