/**
 * The module, the decorators, the service, the stores, and what is built on them.
 *
 * @module nestjs-locking
 */
export * from './errors/index.js';
export * from './interfaces/index.js';
export {
  BatchedStore,
  StoreNotReachedError,
  type BatchingStore,
  type CancelRequest,
  type ExtendRequest,
  type FencingStore,
  type HeldKey,
  type HeldLease,
  type LeaseAnswer,
  type LeasePart,
  type LeaseRequest,
  type LeaseStore,
  type LockingProviderClass,
  type LockingProviderContext,
  type QueueingStore,
  type RecordAnswer,
  type RecordCondition,
  type RecordDeletion,
  type RecordListener,
  type RecordStore,
  type RecordWrite,
  type ReleaseOutcome,
  type ReleaseRequest,
  type RevokingStore,
  type StoredLease,
  type StoredRecord,
  type WakeUpListener,
} from './provider-api/index.js';
export type {
  LockingModuleOptions,
  LockingModuleOptionsFactory,
  LockingProviderDefinition,
} from './module/module-options.interface.js';
export { lockingOptionsFromEnv } from './module/environment/locking-options-from-env.js';
export { duration } from './engine/options/duration.js';
export { LockingModule } from './module/locking.module.js';
export { LockingService } from './module/locking.service.js';
export {
  lockingChannels,
  type LockingChannel,
  type LockingTraceSubscribers,
  type LockingTracingChannel,
} from './diagnostics/channels.js';
export type {
  AcquireMessage,
  AcquireOutcome,
  HoldMessage,
  JobPutBackMessage,
  LeaderMessage,
  LockOrigin,
  LockSubject,
  LossMessage,
  LossReason,
  StoreMessage,
  TickMessage,
  TickOutcome,
  TimeoutMessage,
  WakeUpsMessage,
} from './diagnostics/messages.interface.js';
export { LockEvents } from './operations/events/lock-events.js';
export type { LockEvent, LockEventMessages, LockEventType } from './operations/events/lock-event.interface.js';
export {
  RecordService,
  type DeleteRecordOptions,
  type LockRecord,
  type RecordChange,
  type RecordConditionOptions,
  type WriteRecordOptions,
} from './records/index.js';
export {
  CheckpointService,
  type CheckpointCallOptions,
  type SaveCheckpointCallOptions,
} from './coordination/checkpoints/index.js';
export {
  Idempotent,
  IdempotencyService,
  type IdempotencyOptions,
  type IdempotentMethodOptions,
  type IdempotentRequestOptions,
  type IdempotentRun,
} from './coordination/idempotency/index.js';
export {
  CircuitBreakerState,
  WithCircuitBreaker,
  type CircuitBreakerCallOptions,
  type CircuitBreakerChange,
  type CircuitBreakerInfo,
  type CircuitBreakerOptions,
  type CircuitState,
  type SetCircuitStateOptions,
  type WithCircuitBreakerOptions,
} from './coordination/circuit-breaker/index.js';
export type { LockKeyFunction } from './decorators/method-key.js';
export { WithLock } from './decorators/with-lock.decorator.js';
export type { OnUnavailable, WithLockOptions } from './decorators/with-lock-options.interface.js';
export { Singleton } from './coordination/singleton/singleton.decorator.js';
export type { SingletonOptions } from './coordination/singleton/singleton-options.interface.js';
export { LockRequest } from './requests/lock-request.decorator.js';
export type {
  LockRequestContext,
  LockRequestKeyFunction,
  LockRequestOptions,
  LockRequestRoots,
  OnRequestUnavailable,
} from './requests/lock-request.interface.js';
export { LockInterceptor } from './requests/lock.interceptor.js';
export { LockExceptionFilter } from './requests/lock-exception.filter.js';
export {
  InMemoryLockingProvider,
  type InMemoryLockingProviderOptions,
} from './providers/memory/in-memory-locking.provider.js';
export { MemoryLockStore } from './providers/memory/memory-lock-store.js';
export { RedisLockingProvider } from './providers/redis/redis-locking.provider.js';
export type {
  RedisCredentials,
  RedisCredentialsFunction,
  RedisLockingProviderOptions,
} from './providers/redis/redis-options.interface.js';
export { PostgresLockingProvider } from './providers/postgres/postgres-locking.provider.js';
export type { PostgresExecutor } from './providers/postgres/postgres-executor.js';
export {
  fromDrizzle,
  fromKnex,
  fromKysely,
  fromMikroOrm,
  fromPrisma,
  fromTypeOrm,
} from './providers/postgres/executors.js';
export type { PostgresLockingProviderOptions } from './providers/postgres/postgres-options.interface.js';
export { postgresSchemaSql, type PostgresSchemaOptions } from './providers/postgres/schema-sql.js';
export { RedisQuorumLockingProvider } from './providers/redis-quorum/redis-quorum-locking.provider.js';
export type {
  RedisQuorumLockingProviderOptions,
  RedisQuorumNode,
} from './providers/redis-quorum/redis-quorum-options.interface.js';
export { LeaderElection } from './coordination/leader-election/leader-election.js';
export type {
  LeaderElectionOptions,
  LockingFactoryOptions,
  LockingFeatureAsyncOptions,
  LockingFeatureOptions,
} from './coordination/leader-election/leader-election-options.interface.js';
export type { LeaderElectionEvents, LeaderTerm } from './coordination/leader-election/leader-term.interface.js';
export {
  getLeaderElectionToken,
  InjectLeaderElection,
} from './coordination/leader-election/inject-leader-election.decorator.js';
export { OnFollower, OnLeader } from './coordination/leader-election/on-leader.decorator.js';
export { LeaderOnly, type LeaderOnlyOptions } from './coordination/leader-election/leader-only.decorator.js';
