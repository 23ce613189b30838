/** One process of the demo: a worker that can be told to stop half-way through a charge. */
import { messageOf } from '../../shop/demo/message-of.js';
import { CardNetwork } from '../bank/card-network.js';
import { startWorker } from '../start-worker.js';

/** A message from a worker to its parent. */
export type WorkerMessage = { ready: true } | { error: string } | { stuckIn: string } | { done: true };

/** An order of the parent; to get stuck is to stop half-way through the next charge, or whatever the work is. */
export interface WorkerOrder {
  readonly do: 'begin' | 'get stuck' | 'get stuck later' | 'go on';
}

// The worker ends with its parent, however the parent ends.
process.on('disconnect', () => process.exit());

try {
  const app = await startWorker(false);
  const network = app.get(CardNetwork);
  // The only order that there is: see WorkerOrder.
  process.on('message', () => {
    network.authorise = async ({ id }): Promise<void> => {
      tell({ stuckIn: id });
      await new Promise(() => undefined);
    };
  });
  tell({ ready: true });
} catch (error) {
  tell({ error: messageOf(error) });
}

function tell(message: WorkerMessage): void {
  process.send?.(message);
}
