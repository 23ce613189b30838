/** `npm run demo [-- --redis | --postgres]`: the same burst of orders without a lock and with one. See README.md. */
import { readDemoOptions } from './demo/demo-options.js';
import { openEnvironment, type Cleanup } from './demo/environment.js';
import { renderTable } from './demo/report.js';
import { runDemo } from './demo/run-demo.js';
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

// The instances end before the server that they use.
await runDemo(demo);
