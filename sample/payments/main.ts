import { settings } from './settings.js';
import { startWorker } from './start-worker.js';

try {
  await startWorker(['log', 'warn', 'error']);
  console.log(`The worker ${settings.instanceId} takes payments. Start as many as you like; Ctrl-C ends one.`);
} catch (error) {
  console.error(`The worker did not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
