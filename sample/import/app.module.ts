import { Module } from '@nestjs/common';
import { LockingModule, RedisLockingProvider } from 'nestjs-locking';
import { ImportService } from './import.service.js';
import { Pace } from './pace.js';
import { redisUrl } from './settings.js';
import { Warehouse } from './warehouse.js';

@Module({
  imports: [
    LockingModule.forRoot({
      providers: [
        {
          resolve: RedisLockingProvider,
          options: { redisUrl: redisUrl(), namespace: 'import-sample:lock:', failFast: true },
        },
      ],
    }),
  ],
  providers: [ImportService, Pace, Warehouse],
})
export class AppModule {}
