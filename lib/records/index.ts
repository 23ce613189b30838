export { RecordService } from './record.service.js';
export type {
  DeleteRecordOptions,
  LockRecord,
  RecordChange,
  RecordConditionOptions,
  WriteRecordOptions,
} from './record.interface.js';
