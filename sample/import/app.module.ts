import { Module } from '@nestjs/common';
import { LockingModule, lockingOptionsFromEnv } from 'nestjs-locking';
import { ImportService } from './import.service.js';
import { Pace } from './pace.js';
import { redisUrl } from './settings.js';
import { Warehouse } from './warehouse.js';

@Module({
  imports: [
    // The rows are on this Redis, so the locks and their checkpoints are as well.
    LockingModule.forRootAsync({
      useFactory: () =>
        lockingOptionsFromEnv({
          LOCKING_NAMESPACE: 'import-sample:lock:',
          LOCKING_FAIL_FAST: 'true',
          ...process.env,
          LOCKING_REDIS_URL: redisUrl(),
        }),
    }),
  ],
  providers: [ImportService, Pace, Warehouse],
})
export class AppModule {}
