/** One process of the demo: the shop on a free port, which it tells its parent. */
import { messageOf } from './message-of.js';
import { startApp } from '../start-app.js';

/** The one message of an instance to its parent. */
export type InstanceMessage = { url: string } | { error: string };

// The instance ends with its parent, however the parent ends. Its locks expire with their leases.
process.on('disconnect', () => process.exit());

try {
  tell({ url: await startApp(0, false) });
} catch (error) {
  tell({ error: messageOf(error) });
}

function tell(message: InstanceMessage): void {
  process.send?.(message);
}
