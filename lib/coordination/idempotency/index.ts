export type { IdempotencyOptions, IdempotentRun } from './idempotency.interface.js';
export { IdempotencyService } from './idempotency.service.js';
