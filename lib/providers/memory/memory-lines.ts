import { queueMicrotask } from '../../engine/runtime/real-queues.js';
import type { WakeUpListener } from '../../provider-api/index.js';

/** The entry of one process in the queue of one key. */
export interface LinePlace {
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
export class MemoryLines {
  private readonly lines = new Map<string, LinePlace[]>();
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
  join(key: string, place: LinePlace): boolean {
    const line = this.lines.get(key) ?? [];
    this.lines.set(key, line);
    const index = line.findIndex(({ processId }) => processId === place.processId);
    if (index < 0) line.push(place);
    else line[index] = place;
    return this.first(key, place.seenAt)?.processId === place.processId;
  }

  /** Removes the entry of a cancelled or granted attempt. */
  remove(key: string, processId: string, attemptId: string): void {
    const line = this.lines.get(key);
    const index = line?.findIndex((place) => place.processId === processId && place.attemptId === attemptId) ?? -1;
    if (index >= 0) line?.splice(index, 1);
    this.tidy(key);
  }

  /** The first entry in the queue of `key` with a recent heartbeat; entries before it are dropped. */
  first(key: string, now: number): LinePlace | undefined {
    const line = this.lines.get(key);
    while (line?.[0] && now - line[0].seenAt > PATIENCE) line.shift();
    this.tidy(key);
    return line?.[0];
  }

  shift(key: string): void {
    this.lines.get(key)?.shift();
    this.tidy(key);
  }

  addresses(key: string): string[] {
    return (this.lines.get(key) ?? []).map(({ processId }) => processId);
  }

  private tidy(key: string): void {
    if (this.lines.get(key)?.length === 0) this.lines.delete(key);
  }
}
