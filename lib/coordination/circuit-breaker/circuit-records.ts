import { randomUUID } from 'node:crypto';
import { LockConfigurationError } from '../../errors/index.js';
import type { LockRecord, RecordService } from '../../records/index.js';
import type { CircuitState } from './circuit-breaker.interface.js';
import { recordNotReadable } from './circuit-breaker.messages.js';

/** An instance that has opened the circuit for itself. */
export interface Report {
  readonly instance: string;
  /** Milliseconds since it said so, when this was written. */
  readonly age: number;
  /** For how many milliseconds it counts. */
  readonly lasts: number;
}

/** What all instances know of a circuit. */
export interface SharedState {
  readonly state: CircuitState;
  /** Another one with each change of the state, and the same while only reports come and go. */
  readonly change: string;
  /** Milliseconds; `null` until the next `setState`. */
  readonly openFor: number | null;
  /** Of a closed circuit. */
  readonly reports: readonly Report[];
}

/** The shared state as it was read; the ages of its reports are those of the moment. */
export interface FoundState extends SharedState {
  /** Milliseconds since it was written, by the clock of the store. */
  readonly age: number;
}

/** A change of the state: the old one does not matter any more. */
export function newState(state: CircuitState, openFor: number | null = 0): SharedState {
  return { state, change: randomUUID(), openFor, reports: [] };
}

/** A circuit that has no record is closed. */
export const NO_RECORD: FoundState = { state: 'closed', change: '', openFor: 0, reports: [], age: 0 };

/** How long a circuit is remembered beyond its opening, in milliseconds. */
const KEEP = 86_400_000;

/** As often a change is tried that others always precede. */
const MOST_ATTEMPTS = 50;

/** Reads and writes the record of one circuit, by compare and set. */
export class CircuitRecords {
  constructor(
    private readonly records: Pick<RecordService, 'read' | 'write' | 'watch'>,
    private readonly name: string,
    private readonly provider: string | undefined,
  ) {}

  async watch(listener: () => void): Promise<() => void> {
    return this.records.watch(this.name, listener, { provider: this.provider });
  }

  /** @throws LockConfigurationError for a record of another form */
  async read(): Promise<FoundState> {
    return this.found(await this.records.read<unknown>(this.name, { provider: this.provider }));
  }

  /**
   * Writes what `next` makes of the state that stands; nothing where that is `undefined`.
   *
   * @param anew - whether a record of another form is written over
   * @returns what stands then; `undefined` if others have changed it at every attempt
   */
  async change(
    next: (found: FoundState) => SharedState | undefined,
    anew = false,
  ): Promise<{ readonly stands: FoundState; readonly isOurs: boolean } | undefined> {
    const { provider } = this;
    let record = await this.records.read<unknown>(this.name, { provider });
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const found = this.found(record, anew);
      const wanted = next(found);
      if (!wanted) return { stands: found, isOurs: false };
      const ttl = wanted.openFor === null ? null : (`${wanted.openFor + KEEP}ms` as const);
      const options = { ttl, provider, token: record?.token, ifVersion: record?.version ?? null };
      const change = await this.records.write<unknown>(this.name, wanted, options);
      if (change.changed) return { stands: { ...wanted, age: 0 }, isOurs: true };
      record = change.record;
    }
    return undefined;
  }

  private found(record: LockRecord<unknown> | null, anew = false): FoundState {
    if (!record) return NO_RECORD;
    const { value, age } = record;
    if (!isSharedState(value)) {
      if (anew) return NO_RECORD;
      throw new LockConfigurationError(recordNotReadable(this.name));
    }
    const reports = value.reports
      .map((report) => ({ ...report, age: report.age + age }))
      .filter((report) => report.age < report.lasts);
    return { ...value, reports, age };
  }
}

function isSharedState(value: unknown): value is SharedState {
  const { state, change, openFor, reports } = (value ?? {}) as Partial<SharedState>;
  return (
    (state === 'closed' || state === 'open' || state === 'half-open') &&
    typeof change === 'string' &&
    (openFor === null || isLength(openFor)) &&
    Array.isArray(reports) &&
    reports.every(isReport)
  );
}

function isReport(value: unknown): value is Report {
  const { instance, age, lasts } = (value ?? {}) as Partial<Report>;
  return typeof instance === 'string' && isLength(age) && isLength(lasts);
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
