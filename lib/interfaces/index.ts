export type {
  Checkpoint,
  CheckpointInfo,
  CheckpointOptions,
  Checkpoints,
  SaveCheckpointOptions,
} from './checkpoints.interface.js';
export type { Duration } from './duration.interface.js';
export type { Lock, LockInfo, WaitingProcess } from './lock.interface.js';
export type { LockTransaction } from './lock-transaction.interface.js';
export type {
  AcquireOptions,
  ExecuteOptions,
  ExtendOptions,
  ForceReleaseOptions,
  ListOptions,
  ProviderChoice,
  ReleaseOptions,
  RestoreOptions,
  SeenHolder,
  TryAcquireOptions,
} from './lock-options.interface.js';
export type { LockingProviderOptions } from './provider-options.interface.js';
