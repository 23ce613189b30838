import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LockingModule, lockingOptionsFromEnv } from 'nestjs-locking';
import { BankModule } from './bank/bank.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { settings } from './settings.js';
import { SettlementModule } from './settlement/settlement.module.js';

const { redisUrl, instanceId, queue, locks, leader } = settings;

@Module({
  imports: [
    // The queue and the bank are on this Redis, so the locks are as well.
    LockingModule.forRootAsync({
      useFactory: () =>
        lockingOptionsFromEnv({
          LOCKING_NAMESPACE: locks.namespace,
          LOCKING_FAIL_FAST: 'true',
          ...process.env,
          LOCKING_REDIS_URL: redisUrl,
        }),
    }),
    LockingModule.forFeature({ leaders: [{ name: 'settlement', instanceId, ...leader }] }),
    BullModule.forRoot({ connection: { url: redisUrl }, prefix: queue.prefix }),
    ScheduleModule.forRoot(),
    BankModule,
    PaymentsModule,
    SettlementModule,
  ],
})
export class AppModule {}
