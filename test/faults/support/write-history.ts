import { Assembler } from '../history/assemble.js';
import type { Call, History } from '../history/call.js';
import type { FaultRecord, RestRecord, WorkerRecord, WriteRecord } from '../history/records.js';

/** The lease of histories that are written by hand, in milliseconds. */
export const LEASE = 1000;

export interface Script {
  /** The records of each process. */
  readonly workers: Readonly<Record<string, readonly WorkerRecord[]>>;
  readonly faults?: readonly FaultRecord[];
  readonly writes?: readonly WriteRecord[];
  readonly rest?: Partial<RestRecord>;
  /** Processes that were killed, and when. */
  readonly killed?: Readonly<Record<string, number>>;
}

/** A history, as if read from files. */
export function history({ workers, faults = [], writes = [], rest, killed }: Script): History {
  const accounts = Object.entries(workers).map(([name, records]) => {
    const assembler = new Assembler(name, killed?.[name]);
    for (const record of records) assembler.add(record);
    return assembler.finish();
  });
  const calls = accounts.flatMap(({ calls: own }): Call[] => own).sort((a, b) => a.join - b.join);
  const all = [...faults, ...accounts.flatMap(({ blocks }) => blocks)].sort((a, b) => a.from - b.from);
  const lags = accounts.flatMap(({ lags: own }) => own);
  return {
    lease: LEASE,
    calls,
    faults: all,
    lags,
    writes,
    records: accounts.flatMap(({ records }) => records).sort((a, b) => a.t - b.t),
    rest: { inTurn: true, leftKeys: [], problems: [], ...rest },
  };
}

type Join = Extract<WorkerRecord, { e: 'join' }>;

export const join = (t: number, id: number, more: Partial<Join> = {}): Join => ({
  e: 'join',
  t,
  id,
  call: 'job',
  keys: ['k'],
  lease: LEASE,
  timeout: 20_000,
  ...more,
});

/** A grant; by default, its lease has just begun. */
export const grant = (t: number, id: number, token: number, left = LEASE - 12): WorkerRecord => ({
  e: 'grant',
  t,
  u: t,
  id,
  tokens: [token],
  left,
});

export const end = (t: number, id: number, left = 500): WorkerRecord => ({ e: 'end', t, id, left });

export const fail = (t: number, id: number, code: string): WorkerRecord => ({ e: 'fail', t, id, code, text: code });

/** A whole call; by default, without a wait. */
export const held = (from: number, until: number, id: number, token: number, joined = from): WorkerRecord[] => [
  join(joined, id),
  grant(from, id, token),
  end(until, id, Math.max(0, from + LEASE - 12 - until)),
];

export const write = (t: number, by: string, id: number, token: number, more: Partial<WriteRecord>): WriteRecord => ({
  t,
  by,
  id,
  key: 'k',
  token,
  op: 'write',
  accepted: true,
  fenced: true,
  plain: true,
  ...more,
});

export const fault = (kind: string, from: number, more: Partial<FaultRecord> = {}): FaultRecord => ({
  kind,
  from,
  to: from,
  ...more,
});
