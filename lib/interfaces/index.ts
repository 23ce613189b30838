export type {
  Checkpoint,
  CheckpointInfo,
  CheckpointOptions,
  Checkpoints,
  SaveCheckpointOptions,
} from './checkpoints.interface.js';
export type { Duration } from './duration.interface.js';
export type { Lock, LockInfo, LockTransaction, WaitingProcess } from './lock.interface.js';
export type {
  AcquireOptions,
  ExecuteOptions,
  ExtendOptions,
  ListOptions,
  ProviderChoice,
  ReleaseOptions,
  RestoreOptions,
  TryAcquireOptions,
} from './lock-options.interface.js';
export type { LockingProviderOptions } from './provider-options.interface.js';
