import { Processor, WorkerHost } from '@nestjs/bullmq';
import type { OnModuleDestroy } from '@nestjs/common';
import type { Job } from 'bullmq';
import { LockingService } from 'nestjs-locking';
import { LockJob } from 'nestjs-locking/bullmq';
import { Bank } from '../bank/bank.js';
import { CardNetwork } from '../bank/card-network.js';
import { settings } from '../settings.js';
import { PAYMENTS, type Payment } from './payment.js';

const { queue, locks, instanceId } = settings;
const { concurrency, lockDuration, stalledInterval, maxStalledCount } = queue;

@Processor(PAYMENTS, { name: instanceId, concurrency, lockDuration, stalledInterval, maxStalledCount, drainDelay: 1 })
export class PaymentsProcessor extends WorkerHost implements OnModuleDestroy {
  constructor(
    private readonly bank: Bank,
    private readonly network: CardNetwork,
    private readonly locking: LockingService,
  ) {
    super();
  }

  /** One payment of a customer at a time, over all instances, and each after its predecessor. */
  @LockJob(({ data }: Job<Payment>) => [`customer:${data.customer}`, `payment:${data.id}`], {
    expire: locks.expire,
    retryDelay: locks.retryDelay,
    ready: async ({ data }, self: PaymentsProcessor) => (await self.bank.charged(data.customer)) >= data.sequence - 1,
  })
  async process({ data }: Job<Payment>, _token?: string, signal?: AbortSignal): Promise<string> {
    // A worker may have died after the charge, before the queue heard of it.
    if ((await this.bank.charged(data.customer)) >= data.sequence) return 'charged before';
    const fencingToken = this.locking.current()?.fencingTokenFor(`customer:${data.customer}`) ?? 0;
    await this.bank.begin(data, fencingToken);
    await this.network.authorise(data, signal);
    await this.bank.charge(data, fencingToken);
    return 'charged';
  }

  /** Stops the worker before locking ends: otherwise it would take jobs and have to put them all back. */
  async onModuleDestroy(): Promise<void> {
    await this.worker.close();
  }
}
