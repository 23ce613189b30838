/**
 * A page that shows the locks.
 *
 * @module nestjs-locking/dashboard
 */
export { LockingDashboardModule } from './dashboard.module.js';
export type { LockingDashboardOptions } from './dashboard-options.interface.js';
