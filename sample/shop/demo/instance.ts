/** One process of the demo: the shop on a free port, which it tells its parent. */
import { messageOf } from './message-of.js';
import { startApp } from '../start-app.js';

/** What an instance says to its parent, once. */
export type InstanceMessage = { url: string } | { error: string };

// However the parent ends, nothing of it stays: the locks of this process end with their leases.
process.on('disconnect', () => process.exit());

try {
  tell({ url: await startApp(0, false) });
} catch (error) {
  tell({ error: messageOf(error) });
}

function tell(message: InstanceMessage): void {
  process.send?.(message);
}
