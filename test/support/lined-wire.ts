import {
  InMemoryLockingProvider,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type LockingProvider,
  type MemoryLockStore,
  type ReleaseRequest,
  type WakeUpListener,
} from '../../lib/index.js';
import { deferred, type Deferred } from './deferred.js';

type Primitive = 'acquire' | 'extend' | 'release';

/**
 * How calls go wrong. `refuse`: they do not arrive. `lose`: carried out, the answer is lost. `hold`: carried out, and
 * answered when `letGo` is called. `delay`: they arrive only then.
 */
type Fault = 'refuse' | 'lose' | 'hold' | 'delay';

/** What one process has between itself and the store: it notes what goes over it, and may be broken. */
export class LinedWire {
  readonly acquires: (readonly LeaseRequest[])[] = [];
  readonly extensions: (readonly ExtendRequest[])[] = [];
  readonly releases: (readonly ReleaseRequest[])[] = [];
  readonly granted: { readonly request: LeaseRequest; readonly token: number }[] = [];

  /** Messages are lost while it is deaf; the store takes them for heard. */
  deaf = false;

  /** How often `listen` was called, and whether it goes wrong. */
  listened = 0;
  failsToListen = false;

  private readonly inner: InMemoryLockingProvider;
  private readonly faults = new Map<Primitive, Fault>();
  private readonly gates = new Map<Primitive, Deferred<void>>();
  private address = '';
  private listener?: WakeUpListener;

  constructor(private readonly store: MemoryLockStore) {
    this.inner = new InMemoryLockingProvider({ store });
  }

  /** How many calls of any kind have gone out. */
  get calls(): number {
    return this.acquires.length + this.extensions.length + this.releases.length;
  }

  /** Forgets what has gone over it so far. */
  forget(): void {
    for (const list of [this.acquires, this.extensions, this.releases, this.granted]) list.length = 0;
  }

  fail(primitive: Primitive, fault: Fault): void {
    this.faults.set(primitive, fault);
  }

  mend(): void {
    this.faults.clear();
  }

  /** What is held up goes on: all of it, or what is of one kind. */
  letGo(primitive?: Primitive): void {
    for (const [kind, gate] of this.gates) {
      if (primitive !== undefined && kind !== primitive) continue;
      this.gates.delete(kind);
      gate.resolve();
    }
  }

  /** The subscription breaks, and both ends notice. */
  interrupt(): void {
    this.store.lines.leave(this.address);
    this.listener?.interrupted();
  }

  /** It is there again. */
  restore(): void {
    this.store.lines.listen(this.address, this.relay());
    this.listener?.restored();
  }

  get provider(): LockingProvider {
    const { inner } = this;
    return {
      acquire: (requests) => {
        this.acquires.push(requests.map((request) => ({ ...request })));
        const answers = this.carry('acquire', requests, (request) => inner.acquire([request])[0]!);
        return answers.map(async (answer, index) => this.note(requests[index]!, await answer));
      },
      extend: (requests) => {
        this.extensions.push(requests);
        return this.carry('extend', requests, (request) => inner.extend([request])[0]!);
      },
      release: (requests) => {
        this.releases.push(requests);
        return this.carry('release', requests, (request) => inner.release([request])[0]!);
      },
      forceRelease: (keys) => inner.forceRelease(keys),
      inspect: (keys) => inner.inspect(keys),
      list: (match) => inner.list(match),
      listen: async (address, listener) => {
        this.listened += 1;
        if (this.failsToListen) throw new Error('cannot subscribe');
        this.address = address;
        this.listener = listener;
        await inner.listen(address, this.relay());
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
      wanted: (...message) => told((listener) => listener.wanted(...message)),
      taken: (...message) => told((listener) => listener.taken(...message)),
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
