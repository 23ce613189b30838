export { CheckpointService, type CheckpointCallOptions, type SaveCheckpointCallOptions } from './checkpoint.service.js';
