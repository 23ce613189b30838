import { RedisLockingProvider, type RecordAnswer, type RecordWrite, type StoredRecord } from 'nestjs-locking';

/** Broken on purpose: it accepts every write of a record, and now and then reads none. */
export class ForgetsRecords extends RedisLockingProvider {
  override async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    return super.writeRecord({ ...request, token: Number.MAX_SAFE_INTEGER, ifVersion: undefined });
  }

  override async readRecords(names: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    const found = await super.readRecords(names);
    return Math.random() < 0.2 ? names.map(() => null) : found;
  }
}
