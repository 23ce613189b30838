/** `npm run demo:import`: an import over several instances, of which one is killed and one paused. See README.md. */
import { fileURLToPath } from 'node:url';
import { startRedisServer } from '../../tools/redis-server/index.mjs';
import { WorkerProcess } from '../payments/demo/worker-process.js';
import { runDemo } from '../shop/demo/run-demo.js';
import { render } from './demo/report.js';
import { run } from './demo/run.js';
import { judge } from './demo/verdict.js';
import { Warehouse } from './warehouse.js';

const INSTANCE = fileURLToPath(new URL('./demo/instance.js', import.meta.url));

// Instances and workers end before the Redis that they use.
await runDemo(async (atTheEnd) => {
  const redis = await startRedisServer();
  atTheEnd(async () => redis.stop());
  // The warehouse of this process reads the same Redis.
  process.env.LOCKING_REDIS_URL = redis.url;
  console.log('nestjs-locking demo: an import of six files over three instances, on a Redis of its own');
  console.log(`Redis on port ${redis.port}; one instance is killed, one is paused …\n`);

  const instances = [1, 2, 3].map((n) => new WorkerProcess(INSTANCE, `instance-${n}`, redis.url));
  atTheEnd(async () => {
    await Promise.all(instances.map(async (instance) => instance.stop()));
  });
  await Promise.all(instances.map(async (instance) => instance.ready()));

  const warehouse = new Warehouse();
  atTheEnd(async () => {
    warehouse.onApplicationShutdown();
    return Promise.resolve();
  });
  const result = await run(warehouse, instances as [WorkerProcess, WorkerProcess, WorkerProcess]);
  const verdict = judge(result.audit);
  console.log(`${render(result, instances.length)}\n\n${verdict.text}`);
  return verdict.ok;
});
