export { BatchedStore, isBatching, type BatchingStore } from './batching-store.js';
export { isFencing, type FencingStore, type HeldKey } from './fencing-store.js';
export {
  isRecordStore,
  type RecordAnswer,
  type RecordCondition,
  type RecordDeletion,
  type RecordListener,
  type RecordStore,
  type RecordWrite,
  type StoredRecord,
} from './record-store.js';
export { isRevoking, type RevokingStore } from './revoking-store.js';
export { Reply, type ReplyReader } from './reply.js';
export { isQueueing, type QueueingStore, type WakeUpListener } from './queueing-store.js';
export { StoreNotReachedError, type LeaseStore } from './lease-store.js';
export {
  isCancel,
  type CancelRequest,
  type EndRequest,
  type ExtendRequest,
  type HeldLease,
  type LeaseAnswer,
  type LeasePart,
  type LeaseRequest,
  type ReleaseOutcome,
  type ReleaseRequest,
  type StoredLease,
} from './lease-requests.js';
export type { LockingProviderClass, LockingProviderContext } from './locking-provider-class.js';
