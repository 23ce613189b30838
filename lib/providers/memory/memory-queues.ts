import { queueMicrotask } from '../../engine/runtime/real-queues.js';
import type { WakeUpListener } from '../../provider-api/index.js';

/** The entry of one process in the queue of one key. */
export interface QueueEntry {
  readonly processId: string;
  readonly attemptId: string;
  readonly ownerId: string;
  readonly ttl: number | null;
  readonly tokens: number;
  /** The last heartbeat, on the store's clock. */
  readonly seenAt: number;
}

/** An entry without a heartbeat for so many milliseconds is skipped: its process asks every second. */
const PATIENCE = 5000;

/** The queue of each key, and the listener of each process. */
export class MemoryQueues {
  private readonly queues = new Map<string, QueueEntry[]>();
  private readonly listeners = new Map<string, WakeUpListener>();

  listen(processId: string, listener: WakeUpListener): void {
    this.listeners.set(processId, listener);
  }

  leave(processId: string): void {
    this.listeners.delete(processId);
  }

  /** Sends a message to a process, later, as a real store would. Returns whether the process listens. */
  tell(processId: string, what: (listener: WakeUpListener) => void): boolean {
    const listener = this.listeners.get(processId);
    if (!listener) return false;
    queueMicrotask(() => {
      if (this.listeners.get(processId) === listener) what(listener);
    });
    return true;
  }

  /** Adds an entry to the queue of `key`, or renews it. Returns whether it is the first entry with a recent heartbeat. */
  join(key: string, entry: QueueEntry): boolean {
    const queue = this.queues.get(key) ?? [];
    this.queues.set(key, queue);
    const index = queue.findIndex(({ processId }) => processId === entry.processId);
    if (index < 0) queue.push(entry);
    else queue[index] = entry;
    return this.first(key, entry.seenAt)?.processId === entry.processId;
  }

  /** Removes the entry of a cancelled or granted attempt. */
  remove(key: string, processId: string, attemptId: string): void {
    const queue = this.queues.get(key);
    const index = queue?.findIndex((entry) => entry.processId === processId && entry.attemptId === attemptId) ?? -1;
    if (index >= 0) queue?.splice(index, 1);
    this.tidy(key);
  }

  /** The first entry in the queue of `key` with a recent heartbeat; entries before it are dropped. */
  first(key: string, now: number): QueueEntry | undefined {
    const queue = this.queues.get(key);
    while (queue?.[0] && now - queue[0].seenAt > PATIENCE) queue.shift();
    this.tidy(key);
    return queue?.[0];
  }

  /** Whether any process has an entry in the queue of `key`. */
  has(key: string): boolean {
    return this.queues.has(key);
  }

  shift(key: string): void {
    this.queues.get(key)?.shift();
    this.tidy(key);
  }

  processesIn(key: string): string[] {
    return (this.queues.get(key) ?? []).map(({ processId }) => processId);
  }

  private tidy(key: string): void {
    if (this.queues.get(key)?.length === 0) this.queues.delete(key);
  }
}
