/** `npm run demo:payments`: payments over several workers, of which one is killed. See README.md. */
import { fileURLToPath } from 'node:url';
import { startRedisServer } from '../../tools/redis-server/index.mjs';
import { runDemo } from '../shop/demo/run-demo.js';
import { planPayments } from './demo/plan.js';
import { render } from './demo/report.js';
import { run } from './demo/run.js';
import { judge } from './demo/verdict.js';
import { WorkerProcess } from './demo/worker-process.js';
import { settings } from './settings.js';

const WORKER = fileURLToPath(new URL('./demo/worker.js', import.meta.url));
const WORKERS = 3;
const CUSTOMERS = 12;
const PAYMENTS_EACH = 5;

// Instances and workers end before the Redis that they use.
await runDemo(async (atTheEnd) => {
  const redis = await startRedisServer();
  atTheEnd(async () => redis.stop());
  // The bank of this process reads the same Redis.
  process.env.LOCKING_REDIS_URL = redis.url;
  const plan = planPayments(CUSTOMERS, PAYMENTS_EACH);
  console.log(`nestjs-locking demo: ${plan.length} payments of ${CUSTOMERS} customers, on a Redis of its own`);
  console.log(`Redis on port ${redis.port}; one worker is killed in the middle of a charge …\n`);

  const workers = Array.from({ length: WORKERS }, (_, i) => new WorkerProcess(WORKER, `worker-${i + 1}`, redis.url));
  atTheEnd(async () => {
    await Promise.all(workers.map(async (worker) => worker.stop()));
  });
  await Promise.all(workers.map(async (worker) => worker.ready()));

  const result = await run(plan, workers, redis.url);
  const verdict = judge(result.audit, result.figures, settings.queue.globalConcurrency);
  console.log(`${render(result, plan.length, WORKERS)}\n\n${verdict.text}`);
  return verdict.ok;
});
