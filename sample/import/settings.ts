import { hostname } from 'node:os';

/** The Redis of the locks, the checkpoints and the rows. */
export function redisUrl(): string {
  return fromEnvironment('LOCKING_REDIS_URL', 'redis://localhost:6379');
}

/** The name of this instance in the journal. */
export const instanceId = fromEnvironment('INSTANCE_ID', `${hostname()}-${process.pid}`);

function fromEnvironment(name: string, fallback: string): string {
  const value = process.env[name]?.trim() ?? '';
  return value === '' ? fallback : value;
}
