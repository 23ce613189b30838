import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LockingDashboardModule } from 'nestjs-locking/dashboard';
import { LockingPrometheusModule } from 'nestjs-locking/prometheus';
import { LockingHealthIndicator } from 'nestjs-locking/terminus';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';

@Module({
  imports: [
    // The shop listens on 127.0.0.1 alone. Where others can reach yours: guards: [AdminGuard] in place of insecure.
    LockingDashboardModule.forRoot({ insecure: true, allowRelease: true }),
    LockingPrometheusModule.forRoot(),
    TerminusModule,
  ],
  controllers: [MetricsController, HealthController],
  providers: [LockingHealthIndicator],
})
export class OperationsModule {}
