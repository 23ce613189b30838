import { randomUUID } from 'node:crypto';
import type { Clock } from '../../engine/runtime/clock.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { LockRecord, RecordService } from '../../records/index.js';
import type { CircuitState } from './circuit-breaker.interface.js';
import { recordNotReadable } from './circuit-breaker.messages.js';

/** An instance that has opened the circuit for itself. */
export interface Report {
  readonly instance: string;
  /** Another one with each report of an instance. */
  readonly id: string;
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
  /** Milliseconds since the state began: by the clock of the store, and at least as long as this process knows of it. */
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

/** Reads and writes the record of one circuit, by compare and set. */
export class CircuitRecords {
  /**
   * When each state and report began at the latest, on the clock of this process: that of the store may step back, and
   * what it tells of ages stands still until it has caught up.
   */
  private begun: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly records: Pick<RecordService, 'read' | 'write' | 'watch'>,
    private readonly name: string,
    private readonly provider: string | undefined,
    private readonly clock: Pick<Clock, 'now'>,
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
   * @returns what stands then; `undefined` if another process has changed it meanwhile
   */
  async change(
    next: (found: FoundState) => SharedState | undefined,
    anew = false,
  ): Promise<{ readonly stands: FoundState; readonly isOurs: boolean } | undefined> {
    const { provider } = this;
    const record = await this.records.read<unknown>(this.name, { provider });
    const found = this.found(record, anew);
    const wanted = next(found);
    if (!wanted) return { stands: found, isOurs: false };
    const ttl = wanted.openFor === null ? null : (`${wanted.openFor + KEEP}ms` as const);
    const options = { ttl, provider, token: record?.token, ifVersion: record?.version ?? null };
    const { changed } = await this.records.write<unknown>(this.name, wanted, options);
    return changed ? { stands: this.aged(wanted, 0), isOurs: true } : undefined;
  }

  private found(record: LockRecord<unknown> | null, anew = false): FoundState {
    if (!record) return NO_RECORD;
    const { value, age } = record;
    if (isSharedState(value)) return this.aged(value, Math.max(0, age));
    if (anew) return NO_RECORD;
    throw new LockConfigurationError(recordNotReadable(this.name));
  }

  /** @param age - milliseconds since it was written, as the store says */
  private aged(state: SharedState, age: number): FoundState {
    const now = this.clock.now();
    const begun = new Map<string, number>();
    const ageOf = (id: string, told: number): number => {
      const since = Math.min(this.begun.get(id) ?? Infinity, now - told);
      begun.set(id, since);
      return now - since;
    };
    const reports = state.reports
      .map((report) => ({ ...report, age: ageOf(report.id, report.age + age) }))
      .filter((report) => report.age < report.lasts);
    const aged = { ...state, reports, age: ageOf(state.change, age) };
    this.begun = begun;
    return aged;
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
  const { instance, id, age, lasts } = (value ?? {}) as Partial<Report>;
  return typeof instance === 'string' && typeof id === 'string' && isLength(age) && isLength(lasts);
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
