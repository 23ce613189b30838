import type { Clock, ClockTimer } from '../../engine/runtime/clock.js';
import { queueMicrotask } from '../../engine/runtime/real-queues.js';
import type {
  RecordAnswer,
  RecordCondition,
  RecordDeletion,
  RecordListener,
  RecordWrite,
  StoredRecord,
} from '../../provider-api/index.js';

/** A record, or what is remembered of a deleted one: its token. */
interface Entry {
  readonly value?: string;
  readonly token: number;
  readonly version: string | null;
  /** On the store's clock. */
  readonly writtenAt: number;
  /** On the store's clock; `Infinity` never expires. */
  readonly expiresAt: number;
}

/** How often expired records are swept away, in milliseconds. */
const SWEEP_INTERVAL = 30_000;

/** The records of a process. */
export class MemoryRecords {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<RecordListener>();
  private sweeper?: ClockTimer;

  constructor(private readonly clock: Clock) {}

  read(name: string): StoredRecord | null {
    const entry = this.get(name);
    if (entry?.value === undefined || entry.version === null) return null;
    const now = this.clock.now();
    const { value, token, version, writtenAt, expiresAt } = entry;
    const ttl = expiresAt === Infinity ? null : Math.ceil(expiresAt - now);
    return { name, value, token, version, age: Math.floor(now - writtenAt), ttl };
  }

  write(request: RecordWrite): RecordAnswer {
    const { name, value, token, version, ttl } = request;
    if (this.get(name)?.version === version) return { changed: true };
    return this.refusal(request) ?? this.set(name, { value, token, version }, ttl ?? Infinity);
  }

  delete(request: RecordDeletion): RecordAnswer {
    const { name, token, keepTokenFor } = request;
    const entry = this.get(name);
    const greatest = Math.max(token, entry?.token ?? 0);
    if (entry?.value === undefined) {
      // Sent twice, or nothing to delete; the token counts all the same, and a greater one stays as long as it was to stay.
      const left = entry && entry.token > token ? entry.expiresAt - this.clock.now() : 0;
      if (greatest > 0) this.set(name, { token: greatest, version: null }, Math.max(keepTokenFor, left));
      return { changed: true };
    }
    return this.refusal(request) ?? this.set(name, { token, version: null }, keepTokenFor);
  }

  names(prefix: string): string[] {
    return [...this.entries.keys()].filter((name) => name.startsWith(prefix));
  }

  watch(listener: RecordListener): void {
    this.listeners.add(listener);
  }

  unwatch(listener: RecordListener): void {
    this.listeners.delete(listener);
  }

  private refusal({ name, token, ifVersion }: RecordCondition): RecordAnswer | undefined {
    const entry = this.get(name);
    const refuse = (reason: 'token' | 'version'): RecordAnswer => ({ changed: false, reason, record: this.read(name) });
    if (entry && entry.token > token) return refuse('token');
    if (ifVersion !== undefined && (entry?.version ?? null) !== ifVersion) return refuse('version');
    return undefined;
  }

  private set(name: string, entry: Pick<Entry, 'value' | 'token' | 'version'>, ttl: number): RecordAnswer {
    const now = this.clock.now();
    this.entries.set(name, { ...entry, writtenAt: now, expiresAt: now + ttl });
    if (ttl !== Infinity) this.scheduleSweep();
    for (const listener of this.listeners) {
      // Later, as a real store would.
      queueMicrotask(() => {
        if (this.listeners.has(listener)) listener.changed(name);
      });
    }
    return { changed: true };
  }

  private get(name: string): Entry | undefined {
    const entry = this.entries.get(name);
    if (!entry || entry.expiresAt > this.clock.now()) return entry;
    this.entries.delete(name);
    return undefined;
  }

  private scheduleSweep(): void {
    this.sweeper ??= this.clock.setTimer(
      () => {
        this.sweeper = undefined;
        for (const name of [...this.entries.keys()]) this.get(name);
        if ([...this.entries.values()].some(({ expiresAt }) => expiresAt !== Infinity)) this.scheduleSweep();
      },
      SWEEP_INTERVAL,
      false,
    );
  }
}
