/** `npm run demo [-- --redis | --postgres]`: the same burst of orders without a lock and with one. See README.md. */
import { readDemoOptions } from './demo/demo-options.js';
import { openEnvironment, type Cleanup } from './demo/environment.js';
import { Interruption, interruption } from './demo/interruption.js';
import { messageOf } from './demo/message-of.js';
import { renderTable } from './demo/report.js';
import { runBurst, warmUp } from './demo/run.js';
import { judge } from './demo/verdict.js';

const BURST = { inStock: 40, orders: 300 };

async function demo(onClose: Cleanup): Promise<boolean> {
  const { urls, description } = await openEnvironment(readDemoOptions(), onClose);
  console.log(`nestjs-locking demo: ${BURST.orders} orders at once over HTTP for ${BURST.inStock} units`);
  console.log(`${description}\n`);
  await warmUp(urls, BURST.orders);
  const unlocked = await runBurst(urls, '/orders/unlocked', BURST);
  const locked = await runBurst(urls, '/orders', BURST);
  const verdict = judge(unlocked, locked);
  console.log(`${renderTable(unlocked, locked)}\n\n${verdict.text}`);
  return verdict.ok;
}

const closers: (() => Promise<void>)[] = [];
let exitCode: number;
try {
  const ok = await Promise.race([demo((close) => closers.push(close)), interruption()]);
  exitCode = ok ? 0 : 1;
} catch (error) {
  console.error(`The demo ended early: ${messageOf(error)}`);
  exitCode = error instanceof Interruption ? error.exitCode : 1;
}
// The instances end before the server that they use.
for (const close of closers.reverse()) await close();
// Instances or a server that were just starting notice the end of this process, and end too.
process.exit(exitCode);
