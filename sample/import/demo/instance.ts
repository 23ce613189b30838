/** One process of the demo: an instance that can be told to stop half-way through a batch. */
import type { WorkerMessage, WorkerOrder } from '../../payments/demo/worker.js';
import { messageOf } from '../../shop/demo/message-of.js';
import { ImportService } from '../import.service.js';
import { Pace } from '../pace.js';
import { startInstance } from '../start-instance.js';

// The instance ends with its parent, however the parent ends.
process.on('disconnect', () => process.exit());

let goOn: () => void = () => undefined;

try {
  const app = await startInstance(false);
  const pace = app.get(Pace);
  const orders: Record<WorkerOrder['do'], () => void> = {
    begin: () => void importAll(app.get(ImportService)),
    // Before a write: the instance goes on with it after the pause.
    'get stuck': () => {
      const beforeWrite = pace.beforeWrite.bind(pace);
      pace.beforeWrite = async () => {
        pace.beforeWrite = beforeWrite;
        await stop();
      };
    },
    // Between the write and the checkpoint.
    'get stuck later': () => (pace.beforeSave = stop),
    'go on': () => {
      goOn();
    },
  };
  process.on('message', (order: WorkerOrder) => {
    orders[order.do]();
  });
  tell({ ready: true });
} catch (error) {
  tell({ error: messageOf(error) });
}

async function importAll(service: ImportService): Promise<void> {
  await service.run();
  tell({ done: true });
}

async function stop(): Promise<void> {
  await new Promise<void>((resolve) => {
    goOn = resolve;
    tell({ stuckIn: 'a batch' });
  });
}

function tell(message: WorkerMessage): void {
  process.send?.(message);
}
