import { Logger } from '@nestjs/common';
import { LockBackendError, LockConfigurationError, LockLostError } from '../../errors/index.js';
import { toJson } from '../../records/check-record.js';
import type {
  Checkpoint,
  CheckpointInfo,
  Checkpoints,
  Lock,
  LockTransaction,
  SaveCheckpointOptions,
} from '../../interfaces/index.js';
import { notFlushed, sequenceNotUsable, takenOver } from './checkpoint.messages.js';
import {
  toInfo,
  withData,
  type CheckpointRecords,
  type Head,
  type HeadContent,
  type HeadEntry,
} from './checkpoint-records.js';
import { assertKeep, assertProgress, type CheckpointSettings } from './read-checkpoint-options.js';

/** What all checkpoints of one name have in common, in the hands of one holder. Its locks share it. */
export class HeldCheckpoints {
  /** What the store has, once this holder has claimed it; unknown after a write without an answer. */
  head?: Head | undefined;

  /** Writes what `every` keeps in memory, or what could not be saved: the newest. */
  pending?: (() => Promise<unknown>) | undefined;

  /** The greatest sequence that was sent to the store: a request for it may arrive late. */
  sent = 0;

  /** By the monotonic clock. */
  savedAt = -Infinity;

  private last: Promise<unknown> = Promise.resolve();

  /** @param token - the fencing token of the holder */
  constructor(
    readonly token: number,
    private readonly name: string,
  ) {}

  /** One request after the other: they would overtake one another on several connections. */
  async inTurn<R>(lock: Lock, work: () => Promise<R>): Promise<R> {
    // A loss that is certain needs no answer of the store.
    lock.signal.throwIfAborted();
    const result = this.last.then(work, work);
    this.last = result.catch(() => undefined);
    return result;
  }

  async flush(lock: Lock): Promise<void> {
    await this.inTurn(lock, async () => this.pending?.());
  }

  /** The job is over: a failure is logged. */
  async flushAtRelease(lock: Lock): Promise<void> {
    await this.last;
    if (!this.pending) return;
    try {
      await this.flush(lock);
    } catch (error) {
      logger.warn(notFlushed(this.name, error));
    }
  }
}

/** Of how many failed saves in a row the data is deleted. */
const MOST_UNNAMED = 100;

const logger = new Logger('LockingModule');

/** The checkpoints of one name, with the options of one caller. */
export class LockCheckpoints<T> implements Checkpoints<T> {
  constructor(
    private readonly lock: Lock,
    private readonly held: HeldCheckpoints,
    private readonly records: CheckpointRecords<T>,
    private readonly settings: CheckpointSettings<T>,
  ) {}

  async loadLatest(): Promise<Checkpoint<T> | null> {
    return this.reading(async () => this.find((entries) => entries.at(-1)));
  }

  async load(sequence: number): Promise<Checkpoint<T> | null> {
    if (!Number.isSafeInteger(sequence) || sequence < 1) {
      throw new LockConfigurationError(sequenceNotUsable(sequence));
    }
    return this.reading(async () => this.find((entries) => entries.find((one) => one.sequence === sequence)));
  }

  async list(): Promise<CheckpointInfo[]> {
    return this.reading(async () => (await this.confirm()).entries.map(toInfo));
  }

  async save(data: T, { progress, transaction }: SaveCheckpointOptions = {}): Promise<CheckpointInfo | null> {
    assertProgress(progress);
    // What the job changes later does not change what it has saved.
    const saved = JSON.parse(toJson(this.settings.name, { data, progress }, this.settings)) as Saved<T>;
    return this.held.inTurn(this.lock, async () => {
      if (transaction !== undefined) return this.writeIn(transaction, saved);
      const { every } = this.settings;
      if (every > 0 && performance.now() - this.held.savedAt < every) {
        this.held.pending = async () => this.write(saved);
        return null;
      }
      return this.write(saved);
    });
  }

  async flush(): Promise<void> {
    await this.held.flush(this.lock);
  }

  async cleanup({ keep }: { keep: number }): Promise<void> {
    assertKeep(keep);
    await this.held.inTurn(this.lock, async () => {
      const before = await this.change((head) => ({ last: head.last, entries: head.entries.slice(-keep) }));
      await this.records.deleteData(sequencesOf(before.entries.slice(0, -keep)), this.held.token);
    });
  }

  async deleteAll(): Promise<void> {
    await this.held.inTurn(this.lock, async () => {
      const { held, records } = this;
      held.pending = undefined;
      const { last, entries } = await this.claim();
      held.head = undefined;
      if (!(await records.deleteHead(held.token))) throw this.lost();
      const unnamed = this.unnamed(last, held.sent + 1);
      held.sent = 0;
      await records.deleteData([...sequencesOf(entries), ...unnamed], held.token);
    });
  }

  /** A former holder gets no answer, not even that there is none: it would begin the job anew. */
  private async reading<R>(work: () => Promise<R>): Promise<R> {
    const { held, lock } = this;
    return held.inTurn(lock, async () => {
      const answer = await work();
      // The lock may have ended since the store was asked.
      lock.signal.throwIfAborted();
      return answer;
    });
  }

  private async find(choose: (entries: readonly HeadEntry[]) => HeadEntry | undefined): Promise<Checkpoint<T> | null> {
    return this.records.find(choose, async () => this.confirm());
  }

  private lost(): LockLostError {
    return new LockLostError(this.lock.keys, takenOver(this.settings.name));
  }

  private async write(saved: Saved<T>): Promise<CheckpointInfo> {
    const { held } = this;
    // It is the newest, also if the store does not answer: an older one must not follow it.
    held.pending = async () => this.write(saved);
    try {
      const info = await this.writeNow(saved);
      held.pending = undefined;
      held.savedAt = performance.now();
      return info;
    } catch (error) {
      // The store would refuse the same checkpoint again.
      if (!(error instanceof LockBackendError)) held.pending = undefined;
      throw error;
    }
  }

  private async writeNow({ data, progress }: Saved<T>): Promise<CheckpointInfo> {
    const { held, records } = this;
    const { token } = held;
    const { version, keep } = this.settings;
    const sequence = Math.max((await this.claim()).last, held.sent) + 1;
    held.sent = sequence;
    const until = records.dataUntil(performance.now());
    const entry: HeadEntry = { sequence, progress, version, token, at: Date.now(), until };
    if (!(await records.writeData(entry, data))) throw this.lost();
    const before = await this.change((head) => ({ last: sequence, entries: [...head.entries, entry].slice(-keep) }));
    const dropped = sequencesOf([...before.entries, entry].slice(0, -keep));
    await records.deleteData([...dropped, ...this.unnamed(before.last, sequence)], token);
    return toInfo(entry);
  }

  /**
   * Writes a save in a transaction of the application, whose end decides whether it stands. Nothing here may count on either: what
   * the store has is unknown, and the sequence is not used again.
   */
  private async writeIn(transaction: LockTransaction, { data, progress }: Saved<T>): Promise<CheckpointInfo> {
    const { held, lock } = this;
    const { token } = held;
    const { version, keep } = this.settings;
    const records = await this.records.within(transaction);
    await lock.assertIn(transaction);
    for (;;) {
      const before = await records.readHead();
      const sequence = Math.max(before.last, held.sent) + 1;
      held.sent = sequence;
      held.head = undefined;
      const until = records.dataUntil(performance.now());
      const entry: HeadEntry = { sequence, progress, version, token, at: Date.now(), until };
      const all = [...before.entries, entry];
      // The head first: what refuses it refuses the save before anything is written.
      const written = await records.writeHead({ last: sequence, entries: all.slice(-keep) }, before.version, token);
      if (written === 'token') throw this.lost();
      // Otherwise an earlier request of this holder has arrived meanwhile.
      if (written === 'version') continue;
      if (!(await records.writeData(entry, data))) throw this.lost();
      await records.deleteData([...sequencesOf(all.slice(0, -keep)), ...this.unnamed(before.last, sequence)], token);
      // It is older, and must not be written after this.
      held.pending = undefined;
      held.savedAt = performance.now();
      return toInfo(entry);
    }
  }

  /** The data of saves between that failed; of very many the last ones, as the others expire. */
  private unnamed(last: number, next: number): number[] {
    const first = Math.max(last + 1, next - MOST_UNNAMED);
    return Array.from({ length: Math.max(0, next - first) }, (_, index) => first + index);
  }

  /** Writes another head. Resolves with the one before. */
  private async change(make: (head: Head) => HeadContent): Promise<Head> {
    const { held, records } = this;
    for (;;) {
      const before = await this.claim();
      held.head = undefined;
      const written = await records.writeHead(make(before), before.version, held.token);
      if (written === 'token') throw this.lost();
      // Otherwise the store has lost its last writes, or a late one of this holder has arrived.
      if (written !== 'version') {
        held.head = written;
        return before;
      }
    }
  }

  /**
   * The head, once the store has said in this call that no later holder has written it. What this holder remembers of an
   * earlier call is no answer: the lock may have been revoked since, which this process need not know yet.
   */
  private async confirm(): Promise<Head> {
    const { held, records } = this;
    const known = held.head;
    // Every claim of a later holder gives the record another version.
    if (known && (await records.readHead()).version !== known.version) held.head = undefined;
    return this.claim();
  }

  /** The head, once no earlier holder can write it any more. */
  private async claim(): Promise<Head> {
    const { held, records } = this;
    while (!held.head) {
      const found = await records.readHead();
      const written = await records.writeHead(found, found.version, held.token);
      if (written === 'token') throw this.lost();
      // Otherwise an earlier holder has written meanwhile.
      if (written !== 'version') held.head = written;
    }
    return { ...held.head, entries: withData(held.head.entries) };
  }
}

const sequencesOf = (entries: readonly HeadEntry[]): number[] => entries.map(({ sequence }) => sequence);

interface Saved<T> {
  readonly data: T;
  readonly progress?: unknown;
}
