import type { ExecutionContext } from '@nestjs/common';
import type { Lock } from '../interfaces/index.js';
import type { HttpExchange } from './http-exchange.js';

/** The latest of each request. */
const latest = new WeakMap<ExecutionContext, ResponseWait>();

/**
 * How long a lock is kept after the handler's end, while the response is being sent.
 *
 * An interceptor outside (`retry`) may run the handler of the same request again. That is a lock of its own, and the
 * response will not end before it, so what the earlier run still holds for it has to be given up.
 */
export class ResponseWait {
  private handlerEnded = false;
  private stopWaiting?: () => void;
  private superseded = false;
  private finished?: Promise<void>;

  constructor(private readonly exchange: HttpExchange | undefined) {}

  /** @param finished - settles when the lock is free; never rejects */
  attach(context: ExecutionContext, finished: Promise<void>): void {
    this.finished = finished;
    latest.set(context, this);
  }

  /** Called before `attach`: ends the wait of an earlier run of the same request, and waits for its lock to be free. */
  async supersedeEarlier(context: ExecutionContext): Promise<void> {
    const earlier = latest.get(context);
    if (!earlier) return;
    earlier.superseded = true;
    // while its handler runs, only the queue for the lock can wait
    if (!earlier.handlerEnded) return;
    earlier.stopWaiting?.();
    await earlier.finished;
  }

  /** To be called before anybody is told of the handler's end, and may start it again. */
  noteHandlerEnd(): void {
    this.handlerEnded = true;
  }

  /** Resolves when the response has been sent or will not be, or the lock is lost. */
  async end({ signal }: Lock): Promise<void> {
    const { exchange } = this;
    if (!exchange || exchange.over || this.superseded || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stopListening();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stopListening = exchange.onceOver(done);
      signal.addEventListener('abort', done);
      this.stopWaiting = done;
    });
  }
}
