import {
  InMemoryLockingProvider,
  type BatchingStore,
  type CancelRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type QueueingStore,
  type MemoryLockStore,
  type ReleaseRequest,
  type WakeUpListener,
} from '../../lib/index.js';
import { deferred, type Deferred } from './deferred.js';

type Primitive = 'acquire' | 'extend' | 'release';

/**
 * How calls fail. `refuse`: they do not arrive. `lose`: they are carried out, and the answer is lost. `hold`: they are
 * carried out, and answered after `letGo`. `delay`: they arrive after `letGo`.
 */
type Fault = 'refuse' | 'lose' | 'hold' | 'delay';

/** The connection of one process to the store. It records all calls, and can fail. */
export class StoreWire {
  readonly acquires: (readonly LeaseRequest[])[] = [];
  readonly extensions: (readonly ExtendRequest[])[] = [];
  readonly releases: (readonly (ReleaseRequest | CancelRequest)[])[] = [];
  readonly granted: { readonly request: LeaseRequest; readonly token: number }[] = [];

  /** While it is true, messages are lost, though the store counts them as received. */
  deaf = false;

  /** How often `listen` was called. */
  listened = 0;
  failsToListen = false;

  /** What the store says of hand-offs in a row; the default of the engine if it says nothing. */
  cohortGrants?: number;

  private readonly inner: InMemoryLockingProvider;
  private readonly faults = new Map<Primitive, Fault>();
  private readonly gates = new Map<Primitive, Deferred<void>>();
  private processId = '';
  private listener?: WakeUpListener;

  constructor(private readonly store: MemoryLockStore) {
    this.inner = new InMemoryLockingProvider({ store });
  }

  /** How many calls of all kinds were sent. */
  get calls(): number {
    return this.acquires.length + this.extensions.length + this.releases.length;
  }

  /** Clears the records of calls. */
  forget(): void {
    for (const list of [this.acquires, this.extensions, this.releases, this.granted]) list.length = 0;
  }

  fail(primitive: Primitive, fault: Fault): void {
    this.faults.set(primitive, fault);
  }

  mend(): void {
    this.faults.clear();
  }

  /** Delayed calls and answers go on: all of them, or those of one kind. */
  letGo(primitive?: Primitive): void {
    for (const [kind, gate] of this.gates) {
      if (primitive !== undefined && kind !== primitive) continue;
      this.gates.delete(kind);
      gate.resolve();
    }
  }

  /** Breaks the subscription; both ends notice. */
  interrupt(): void {
    this.store.queues.leave(this.processId);
    this.listener?.interrupted();
  }

  /** Restores the subscription. */
  restore(): void {
    this.store.queues.listen(this.processId, this.relay());
    this.listener?.restored();
  }

  /** The listener that gets the messages of the store. */
  get ear(): WakeUpListener {
    return this.relay();
  }

  get provider(): BatchingStore & QueueingStore {
    const { inner } = this;
    const batches = {
      acquireBatch: (requests: readonly LeaseRequest[]) => {
        this.acquires.push(requests.map((request) => ({ ...request })));
        const answers = this.carry('acquire', requests, (request) => inner.acquire(request));
        return answers.map(async (answer, index) => this.note(requests[index]!, await answer));
      },
      extendBatch: (requests: readonly ExtendRequest[]) => {
        this.extensions.push(requests);
        return this.carry('extend', requests, (request) => inner.extend(request));
      },
      releaseBatch: (requests: readonly ReleaseRequest[]) => {
        this.releases.push(requests);
        return this.carry('release', requests, (request) => inner.release(request));
      },
      cancelBatch: (requests: readonly CancelRequest[]) => {
        this.releases.push(requests);
        return this.carry('release', requests, (request) => inner.cancel(request));
      },
    };
    return {
      ...batches,
      ...(this.cohortGrants !== undefined && { cohortGrants: this.cohortGrants }),
      acquire: (request) => batches.acquireBatch([request])[0]!,
      extend: (request) => batches.extendBatch([request])[0]!,
      release: (request) => batches.releaseBatch([request])[0]!,
      cancel: (request) => batches.cancelBatch([request])[0]!,
      revoke: (keys) => inner.revoke(keys),
      inspect: (keys) => inner.inspect(keys),
      list: (match) => inner.list(match),
      listen: async (processId, listener) => {
        this.listened += 1;
        if (this.failsToListen) throw new Error('cannot subscribe');
        this.processId = processId;
        this.listener = listener;
        await inner.listen(processId, this.relay());
      },
      close: () => inner.close(),
    };
  }

  private async opened(primitive: Primitive): Promise<void> {
    const gate = this.gates.get(primitive) ?? deferred();
    this.gates.set(primitive, gate);
    await gate.promise;
  }

  private note(request: LeaseRequest, answer: LeaseAnswer): LeaseAnswer {
    if (answer.granted) this.granted.push({ request: { ...request }, token: answer.fencingTokens[0]! });
    return answer;
  }

  private relay(): WakeUpListener {
    const told = (tell: (listener: WakeUpListener) => void): void => {
      if (!this.deaf && this.listener) tell(this.listener);
    };
    return {
      granted: (...message) => told((listener) => listener.granted(...message)),
      contended: (...message) => told((listener) => listener.contended(...message)),
      lost: (...message) => told((listener) => listener.lost(...message)),
      offered: (...message) => told((listener) => listener.offered(...message)),
      interrupted: () => undefined,
      restored: () => undefined,
    };
  }

  private carry<Request, Answer>(
    primitive: Primitive,
    requests: readonly Request[],
    send: (request: Request) => Promise<Answer>,
  ): Promise<Answer>[] {
    return requests.map(async (request) => {
      const fault = this.faults.get(primitive);
      if (fault === 'refuse') throw new Error('connection refused');
      if (fault === 'delay') await this.opened(primitive);
      const answer = await send(request);
      if (fault === 'lose') throw new Error('connection lost');
      if (fault === 'hold') await this.opened(primitive);
      return answer;
    });
  }
}
