import { expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { StoreNotReachedError, type ReleaseRequest } from '../../lib/index.js';
import { QuorumNode, type NodeStore } from '../../lib/providers/redis-quorum/quorum-node.js';
import { eventually } from '../support/poll.js';

/** A connection whose loss is not yet known: it refuses each release before it is sent. */
class LostConnection {
  isLost = true;
  refused = 0;
  readonly released: ReleaseRequest[] = [];

  readonly store = {
    connect: async (onConnected: () => void) => Promise.resolve(onConnected()),
    close: async () => Promise.resolve(),
    endBatch: (requests: readonly ReleaseRequest[]) => requests.map(async (request) => this.release(request)),
  } as unknown as NodeStore;

  private async release(request: ReleaseRequest): Promise<readonly string[]> {
    if (!this.isLost) {
      this.released.push(request);
      return ['freed'];
    }
    this.refused += 1;
    // A process that asks again without a pause blocks its event loop: the test could not fail.
    if (this.refused > 100) return new Promise(() => undefined);
    throw new StoreNotReachedError('the connection was lost');
  }
}

it('a release that a node refuses at once is repeated only after a pause, until it succeeds', async () => {
  const connection = new LostConnection();
  const reports = { leftOut: () => undefined, answersAgain: () => undefined };
  const node = new QuorumNode('one', connection.store, 5000, reports);
  await node.connect(() => undefined);
  node.owe({ keys: ['k'], ownerId: 'p', attemptId: 'p.1', processId: 'p', pending: false });
  for (let count = 0; count < 50; count += 1) await turn();
  expect(connection.refused).toBe(1);
  connection.isLost = false;
  await eventually(() => connection.released.length === 1);
  expect(connection.released[0]).toMatchObject({ attemptId: 'p.1' });
  await node.close();
});
