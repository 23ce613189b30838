import type { Redis } from 'ioredis';
import type { Contender } from '../contenders/contender.js';

/** The equipment of an operation, in a process of its own. */
export interface WorkerContext {
  readonly contender: Contender;
  /** A connection of the bench's own, for the jobs and the pings. */
  readonly redis: Redis;
  readonly redisUrl: string;
}
