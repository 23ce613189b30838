import { isLockConfigurationError } from '../errors/index.js';
import type { RecordsInTransaction } from '../provider-api/transactional-records.js';
import { toCondition } from './check-record.js';
import { toChange, toRecord, toWrite } from './record-requests.js';
import type { RecordCalls } from './record.interface.js';

/** Asks in bounded time, and fails with a `LockBackendError`. */
type Call = <T>(action: string, name: string, request: () => Promise<T>) => Promise<T>;

/**
 * The calls in a transaction of the application, one after the other: drivers run one statement of a transaction at a time, and
 * some refuse a second one. A delete remembers no token.
 *
 * @param name - the record that errors name before there is any other
 */
export async function recordsWithin(
  name: string,
  open: () => Promise<RecordsInTransaction>,
  call: Call,
): Promise<RecordCalls> {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: Call = async (action, name, request) => {
    const result = last.then(async () => unlessMistaken(call, action, name, request));
    last = result.catch(() => undefined);
    return result;
  };
  const records = await inTurn('save', name, open);
  return {
    read: async (name) => {
      const [found] = await inTurn('read', name, async () => records.read([name]));
      return found ? toRecord(found) : null;
    },
    write: async (name, value, options) => {
      const request = toWrite(name, value, options);
      const answer = await inTurn('write', name, async () => records.write(request));
      return toChange(answer, request.version);
    },
    delete: async (name, options = {}) => {
      const { token } = toCondition(name, options);
      await inTurn('delete', name, async () => records.remove(name, token));
      return toChange({ changed: true }, null);
    },
  };
}

/** A mistake of the program is no failure of the store. */
async function unlessMistaken<T>(call: Call, action: string, name: string, request: () => Promise<T>): Promise<T> {
  const answer = await call(action, name, async () =>
    request().then(
      (value) => ({ value }),
      (error: unknown) => {
        if (isLockConfigurationError(error)) return { error };
        throw error;
      },
    ),
  );
  if ('error' in answer) throw answer.error;
  return answer.value;
}
