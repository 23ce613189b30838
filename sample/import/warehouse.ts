import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { Row } from './files.js';
import { instanceId, redisUrl } from './settings.js';
import { WRITE } from './write.script.js';

const PREFIX = 'import-sample:';
const ROWS = `${PREFIX}rows`;
const TOKENS = `${PREFIX}tokens`;
const JOURNAL = `${PREFIX}journal`;
const DONE = `${PREFIX}done`;

/** One write, as the journal has it. */
export interface Write {
  readonly file: string;
  readonly instance: string;
  readonly ids: readonly string[];
  readonly refused: boolean;
}

/**
 * Where the rows go. A row has an id, so that writing it again changes nothing; and a write with a fencing token older
 * than the newest of its file is refused.
 */
@Injectable()
export class Warehouse implements OnApplicationShutdown {
  private readonly redis: Redis;

  constructor() {
    this.redis = new Redis(redisUrl());
    // Each command fails with its own cause; without a listener ioredis prints every attempt to reconnect.
    this.redis.on('error', () => undefined);
  }

  /** @throws Error if a later holder of the lock has written rows of this file */
  async write(file: string, fencingToken: number, rows: readonly Row[]): Promise<void> {
    const entry = JSON.stringify({ file, instance: instanceId, ids: rows.map(({ id }) => id) });
    const values = rows.flatMap(({ id, cents }) => [id, cents]);
    const written = await this.redis.eval(WRITE, 3, ROWS, TOKENS, JOURNAL, file, fencingToken, entry, ...values);
    if (written !== 1) throw new Error(`${file}: the fencing token ${fencingToken} is older than one that was seen`);
  }

  async finish(file: string): Promise<void> {
    await this.redis.sadd(DONE, file);
  }

  async isDone(file: string): Promise<boolean> {
    return (await this.redis.sismember(DONE, file)) === 1;
  }

  /** The cents by the ids of the rows. */
  async rows(): Promise<Map<string, number>> {
    return new Map(Object.entries(await this.redis.hgetall(ROWS)).map(([id, cents]) => [id, Number(cents)]));
  }

  /** All writes, in their order. */
  async journal(): Promise<Write[]> {
    return (await this.redis.lrange(JOURNAL, 0, -1)).map((line) => JSON.parse(line) as Write);
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
