import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { Payment } from '../payments/payment.js';
import { settings } from '../settings.js';
import type { Entry } from './entry.js';
import { WRITE } from './write.script.js';

const PREFIX = 'payments-sample:bank:';
const ENTRIES = `${PREFIX}entries`;

/** The bank refused a write, as the holder of a newer lock has written since. */
class StaleTokenError extends Error {
  constructor(what: string, fencingToken: number) {
    super(`${what} was refused: its fencing token ${fencingToken} is older than one that was seen`);
  }
}

/**
 * The books: an append-only ledger in Redis. It refuses writes with a fencing token older than the newest that it has
 * seen for the customer. It does not refuse a payment that it has seen before, so that the ledger shows a double
 * charge.
 */
@Injectable()
export class Bank implements OnApplicationShutdown {
  private readonly redis: Redis;

  constructor() {
    this.redis = new Redis(settings.redisUrl);
    // Each command fails with its own cause; without a listener ioredis prints every attempt to reconnect.
    this.redis.on('error', () => undefined);
  }

  /** The number of the customer's last payment that was charged. */
  async charged(customer: string): Promise<number> {
    return Number((await this.redis.hget(accountOf(customer), 'sequence')) ?? 0);
  }

  async begin(payment: Payment, fencingToken: number): Promise<void> {
    await this.write('begin', accountOf(payment.customer), fencingToken, payment);
  }

  async charge(payment: Payment, fencingToken: number): Promise<void> {
    await this.write('charge', accountOf(payment.customer), fencingToken, payment);
  }

  /** Adds the leader's entry: one for all payments that were charged so far. */
  async settle(fencingToken: number): Promise<void> {
    await this.write('settlement', `${PREFIX}settlement`, fencingToken);
  }

  /** All entries, in the order in which they were written. */
  async entries(): Promise<Entry[]> {
    return (await this.redis.lrange(ENTRIES, 0, -1)).map((line) => JSON.parse(line) as Entry);
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }

  private async write(kind: Entry['kind'], account: string, fencingToken: number, payment?: Payment): Promise<void> {
    const entry = { kind, fencingToken, instance: settings.instanceId, ...payment };
    const sequence = kind === 'charge' ? (payment?.sequence ?? 0) : 0;
    const accepted = await this.redis.eval(WRITE, 2, account, ENTRIES, fencingToken, sequence, JSON.stringify(entry));
    if (accepted !== 1) throw new StaleTokenError(`The ${kind} of ${payment?.id ?? 'the leader'}`, fencingToken);
  }
}

function accountOf(customer: string): string {
  return `${PREFIX}customer:${customer}`;
}
