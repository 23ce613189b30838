import { queueMicrotask } from '../../engine/runtime/real-queues.js';
import type { WakeUpListener } from '../../provider-api/index.js';

/** The place of one process in the line for one key. */
export interface LinePlace {
  readonly processId: string;
  readonly attemptId: string;
  readonly ownerId: string;
  readonly ttl: number | null;
  readonly tokens: number;
  /** When it last gave a sign of life, on the store's clock. */
  readonly seenAt: number;
}

/** A place without a sign of life for so many milliseconds is passed over: its process asks every second. */
const PATIENCE = 5000;

/** Which processes stand in line for which keys, and how to reach them. */
export class MemoryLines {
  private readonly lines = new Map<string, LinePlace[]>();
  private readonly listeners = new Map<string, WakeUpListener>();

  listen(processId: string, listener: WakeUpListener): void {
    this.listeners.set(processId, listener);
  }

  leave(processId: string): void {
    this.listeners.delete(processId);
  }

  /** Tells a process something, later as a real store would; whether it is there to hear it. */
  tell(processId: string, what: (listener: WakeUpListener) => void): boolean {
    const listener = this.listeners.get(processId);
    if (!listener) return false;
    queueMicrotask(() => {
      if (this.listeners.get(processId) === listener) what(listener);
    });
    return true;
  }

  /** Joins the line for `key`, or renews a place in it. Tells whether it is the first place of somebody alive. */
  join(key: string, place: LinePlace): boolean {
    const line = this.lines.get(key) ?? [];
    this.lines.set(key, line);
    const index = line.findIndex(({ processId }) => processId === place.processId);
    if (index < 0) line.push(place);
    else line[index] = place;
    return this.first(key, place.seenAt)?.processId === place.processId;
  }

  /** Gives up the place of an attempt. */
  remove(key: string, processId: string, attemptId: string): void {
    const line = this.lines.get(key);
    const index = line?.findIndex((place) => place.processId === processId && place.attemptId === attemptId) ?? -1;
    if (index >= 0) line?.splice(index, 1);
    this.tidy(key);
  }

  /** The first place in the line for `key` whose process is alive; those before it are dropped. */
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
