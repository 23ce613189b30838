import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Start a Redis for the demo, whatever `LOCKING_REDIS_URL` says. */
  readonly ownRedis: boolean;
}

/** A misspelt `--redis` must not pass for a run in memory. */
export function readDemoOptions(): DemoOptions {
  const { values } = parseArgs({ options: { redis: { type: 'boolean', default: false } } });
  return { ownRedis: values.redis };
}
