import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LockingModule, RedisLockingProvider } from 'nestjs-locking';
import { BankModule } from './bank/bank.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { settings } from './settings.js';
import { SettlementModule } from './settlement/settlement.module.js';

const { redisUrl, instanceId, queue, locks, leader } = settings;

@Module({
  imports: [
    LockingModule.forRoot({
      providers: [{ resolve: RedisLockingProvider, options: { redisUrl, namespace: locks.namespace, failFast: true } }],
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
