export { LockingDashboardModule } from './dashboard.module.js';
export type { LockingDashboardOptions } from './dashboard-options.interface.js';
