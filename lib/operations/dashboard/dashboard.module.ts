import { Module, type DynamicModule } from '@nestjs/common';
import { LockingService } from '../../module/locking.service.js';
import { RecordService } from '../../records/record.service.js';
import { createDashboardController } from './dashboard.controller.js';
import type { LockingDashboardOptions } from './dashboard-options.interface.js';
import { DashboardService } from './dashboard.service.js';
import { readDashboardOptions } from './read-dashboard-options.js';

/**
 * A page that shows the locks of the application as they are now: holders, queues, leaders, ticks and records, and with
 * `allowRelease` releases a lock by hand. It is a controller of the application itself, so that guards, the global prefix,
 * Express and Fastify work as for any other. Import it once, beside `LockingModule.forRoot()`.
 */
@Module({})
export class LockingDashboardModule {
  /**
   * The dashboard, at `/locks` unless `path` says otherwise.
   *
   * @throws LockConfigurationError for options that cannot work, and without `guards` unless `insecure` is true
   *
   * @example
   * LockingDashboardModule.forRoot({ guards: [AdminGuard], allowRelease: true })
   */
  static forRoot(options: LockingDashboardOptions): DynamicModule {
    const plan = readDashboardOptions(options);
    return {
      module: LockingDashboardModule,
      imports: [...plan.imports],
      controllers: [createDashboardController(plan)],
      providers: [
        {
          provide: DashboardService,
          inject: [LockingService, RecordService],
          useFactory: (locking: LockingService, records: RecordService) => new DashboardService(plan, locking, records),
        },
      ],
    };
  }
}
