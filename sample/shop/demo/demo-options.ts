import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Start this server for the demo, whatever the environment says. */
  readonly ownServer: 'redis' | 'postgres' | undefined;
}

/** A misspelt `--redis` must not pass for a run in memory. */
export function readDemoOptions(): DemoOptions {
  const flag = { type: 'boolean', default: false } as const;
  const { redis, postgres } = parseArgs({ options: { redis: flag, postgres: flag } }).values;
  if (redis && postgres) throw new Error('give one of --redis and --postgres');
  return { ownServer: redis ? 'redis' : postgres ? 'postgres' : undefined };
}
