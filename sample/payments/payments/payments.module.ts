import { BullModule, InjectQueue } from '@nestjs/bullmq';
import { Module, type OnModuleInit } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { settings } from '../settings.js';
import { PAYMENTS, type Payment } from './payment.js';
import { PaymentsProcessor } from './payments.processor.js';

const { attempts, backoff, globalConcurrency } = settings.queue;

@Module({
  imports: [BullModule.registerQueue({ name: PAYMENTS, defaultJobOptions: { attempts, backoff } })],
  providers: [PaymentsProcessor],
})
export class PaymentsModule implements OnModuleInit {
  constructor(@InjectQueue(PAYMENTS) private readonly queue: Queue<Payment>) {}

  /** BullMQ keeps this limit in Redis, for all instances. */
  async onModuleInit(): Promise<void> {
    await this.queue.setGlobalConcurrency(globalConcurrency);
  }
}
