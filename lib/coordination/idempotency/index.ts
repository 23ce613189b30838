export type { IdempotentRequestOptions } from './http/idempotent-options.interface.js';
export type { IdempotencyOptions, IdempotentRun } from './idempotency.interface.js';
export { IdempotencyService } from './idempotency.service.js';
export type { IdempotentMethodOptions } from './idempotent-method.js';
export { Idempotent } from './idempotent.decorator.js';
