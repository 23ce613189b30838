import type { Call, Hold, Lag } from './call.js';
import { BLOCKED, BLOCKED_IN_JOB, SUSPENDED, SUSPENDED_IN_JOB } from './kinds.js';
import type { FaultRecord, StoredRecord, WorkerRecord } from './records.js';

/** The content of the records of one process. */
export interface Account {
  readonly calls: Call[];
  readonly lags: Lag[];
  readonly records: (StoredRecord & { readonly by: string })[];
  /** The faults that the process was ordered to cause in itself. */
  readonly blocks: FaultRecord[];
}

/** Reads the records of the process `by` in their order. `killed` is when it was killed, if it was. */
export class Assembler {
  readonly account: Account = { calls: [], lags: [], records: [], blocks: [] };
  private readonly open = new Map<number, Call>();

  constructor(
    private readonly by: string,
    private readonly killed = Infinity,
  ) {}

  add(record: WorkerRecord): void {
    switch (record.e) {
      case 'start':
        return;
      case 'lag':
        this.account.lags.push({ by: this.by, from: record.t - record.ms, to: record.t });
        return;
      case 'block':
        this.account.blocks.push({
          kind: kindOf(record),
          from: record.t,
          to: record.t + record.ms,
          victims: [this.by],
        });
        return;
      case 'join':
        this.join(record);
        return;
      case 'charging':
      case 'charged':
      case 'loaded':
      case 'saved':
        this.account.records.push({ ...record, by: this.by });
        return;
      default:
        this.follow(record);
    }
  }

  /** No more records follow. */
  finish(): Account {
    for (const call of this.open.values()) {
      call.settled = Math.min(call.settled, this.killed);
      if (call.hold) call.hold.until = Math.min(call.hold.until, this.killed);
    }
    return this.account;
  }

  private join({ t, id, call: kind, keys, lease, timeout }: WorkerRecord & { e: 'join' }): void {
    const call: Call = { by: this.by, id, kind, keys, lease, timeout, join: t, settled: Infinity };
    this.open.set(id, call);
    this.account.calls.push(call);
  }

  private follow(record: Exclude<WorkerRecord, StoredRecord | { e: 'start' | 'lag' | 'block' | 'join' }>): void {
    const call = this.open.get(record.id) ?? this.account.calls.findLast(({ id }) => id === record.id);
    if (!call) throw new Error(`${this.by}#${record.id} has no beginning`);
    const { t } = record;
    if (record.e === 'fail') call.failure = { code: record.code, text: record.text, at: t };
    if (record.e === 'grant') {
      const deadline = t + record.left;
      call.settled = t;
      call.hold = { call, tokens: record.tokens, asked: t, from: record.u, until: deadline, deadline };
    } else if (call.hold) {
      followHold(call.hold, record);
      if (record.e === 'end') this.open.delete(record.id);
    } else {
      call.settled = t;
      this.open.delete(record.id);
    }
  }
}

function kindOf({ suspended, inside }: WorkerRecord & { e: 'block' }): string {
  if (suspended) return inside ? SUSPENDED_IN_JOB : SUSPENDED;
  return inside ? BLOCKED_IN_JOB : BLOCKED;
}

function followHold(hold: Hold, record: { e: string; t: number; left?: number }): void {
  // A leader that believes to lead counts as a holder, whatever else it knew.
  if (record.e === 'leads') hold.until = Math.max(hold.until, record.t);
  if (hold.ended !== undefined) return;
  if (record.e === 'lost') {
    hold.lost = record.t;
    hold.until = Math.min(hold.until, record.t);
    return;
  }
  if (record.left !== undefined && record.left > 0 && hold.lost === undefined) {
    hold.deadline = record.t + record.left;
    hold.until = hold.deadline;
  }
  if (record.e === 'end') {
    hold.ended = record.t;
    hold.leftAtEnd = record.left;
    hold.until = Math.min(hold.until, record.t);
  }
}
