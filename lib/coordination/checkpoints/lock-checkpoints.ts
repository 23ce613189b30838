import { Logger } from '@nestjs/common';
import { LockConfigurationError, LockLostError } from '../../errors/index.js';
import { toJson } from '../../records/check-record.js';
import type { Checkpoint, CheckpointInfo, Checkpoints, Lock, SaveCheckpointOptions } from '../../interfaces/index.js';
import { notFlushed, sequenceNotUsable, takenOver } from './checkpoint.messages.js';
import { EMPTY, toInfo, type CheckpointRecords, type Head, type HeadEntry } from './checkpoint-records.js';
import { assertKeep, assertProgress, type CheckpointSettings } from './read-checkpoint-options.js';

/** What all checkpoints of one name have in common, in the hands of one holder. Its locks share it. */
export class HeldCheckpoints {
  /** What the store has, once this holder has claimed it. */
  head?: Head;

  /** Writes what `every` keeps in memory. */
  pending?: () => Promise<unknown>;

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
    // What is certain needs no answer of the store.
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
    return this.held.inTurn(this.lock, async () => {
      const { entries } = await this.claim();
      const latest = entries.at(-1);
      return latest ? this.records.readCheckpoint(latest) : null;
    });
  }

  async load(sequence: number): Promise<Checkpoint<T> | null> {
    if (!Number.isSafeInteger(sequence) || sequence < 1) {
      throw new LockConfigurationError(sequenceNotUsable(sequence));
    }
    return this.held.inTurn(this.lock, async () => {
      const entry = (await this.claim()).entries.find((one) => one.sequence === sequence);
      return entry ? this.records.readCheckpoint(entry) : null;
    });
  }

  async list(): Promise<CheckpointInfo[]> {
    return this.held.inTurn(this.lock, async () => (await this.claim()).entries.map(toInfo));
  }

  async save(data: T, { progress }: SaveCheckpointOptions = {}): Promise<CheckpointInfo | null> {
    assertProgress(progress);
    // What the job changes later does not change what it has saved.
    const saved = JSON.parse(toJson(this.settings.name, { data, progress }, this.settings)) as Saved<T>;
    return this.held.inTurn(this.lock, async () => {
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
      const head = await this.claim();
      await this.put({ ...head, entries: head.entries.slice(-keep) });
      await this.records.deleteData(head.entries.slice(0, -keep), this.held.token);
    });
  }

  async deleteAll(): Promise<void> {
    await this.held.inTurn(this.lock, async () => {
      this.held.pending = undefined;
      const { entries } = await this.claim();
      if (!(await this.records.deleteHead(this.held.token))) throw this.lost();
      this.held.head = undefined;
      await this.records.deleteData(entries, this.held.token);
    });
  }

  private lost(): LockLostError {
    return new LockLostError(this.lock.keys, takenOver(this.settings.name));
  }

  private async write({ data, progress }: Saved<T>): Promise<CheckpointInfo> {
    const { held, records } = this;
    const { token } = held;
    const { version, keep } = this.settings;
    const head = await this.claim();
    const entry: HeadEntry = { sequence: head.last + 1, progress, version, token, at: Date.now() };
    if (!(await records.writeData(entry.sequence, data, token))) throw this.lost();
    const entries = [...head.entries, entry];
    await this.put({ last: entry.sequence, entries: entries.slice(-keep) });
    held.pending = undefined;
    held.savedAt = performance.now();
    await records.deleteData(entries.slice(0, -keep), token);
    return toInfo(entry);
  }

  private async put(head: Head): Promise<void> {
    if (!(await this.records.writeHead(head, this.held.token))) throw this.lost();
    this.held.head = head;
  }

  /** The head, once no earlier holder can write it any more. */
  private async claim(): Promise<Head> {
    const { held, records } = this;
    while (!held.head) {
      const found = await records.readHead();
      const refusal = await records.claimHead(found, held.token);
      if (refusal === 'token') throw this.lost();
      // Otherwise an earlier holder has written meanwhile.
      if (!refusal) held.head = found?.value ?? EMPTY;
    }
    return held.head;
  }
}

interface Saved<T> {
  readonly data: T;
  readonly progress?: unknown;
}
