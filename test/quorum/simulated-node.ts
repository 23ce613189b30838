import type {
  CancelRequest,
  LeaseAnswer,
  LeaseRequest,
  ReleaseOutcome,
  ReleaseRequest,
  ExtendRequest,
} from '../../lib/index.js';
import type { RepairRequest } from '../../lib/providers/redis/lease-scripts.js';
import type { NodeStore } from '../../lib/providers/redis-quorum/quorum-node.js';

interface Stored {
  readonly ownerId: string;
  attempts: string[];
}

interface Open {
  isCut: boolean;
  readonly cut: (error: Error) => void;
}

/** An in-memory server whose leases never expire. Requests and answers are delayed, and overtake each other. */
export class SimulatedNode {
  readonly locks = new Map<string, Stored>();
  private readonly cancelled = new Set<string>();
  private readonly open = new Set<Open>();
  private token = 0;
  private forcing = 0;

  constructor(private readonly random: () => number) {}

  /** The connection of one process to this node. */
  connection(): NodeStore {
    return {
      connect: async (onConnected: () => void) => Promise.resolve(onConnected()),
      acquireBatch: (requests: readonly LeaseRequest[]) =>
        requests.map(async (request) => this.travel(() => this.acquire(request))),
      extendBatch: (requests: readonly ExtendRequest[]) =>
        requests.map(async (request) => this.travel(() => this.extend(request))),
      endBatch: (requests: readonly (ReleaseRequest | CancelRequest)[]) =>
        requests.map(async (request) => this.travel(() => this.release(request))),
      // A repair may still arrive after its connection was cut.
      repair: (requests: readonly RepairRequest[]) =>
        requests.map(async (request) => this.travel(() => this.repair(request), true)),
      revoke: async (keys: readonly string[]) => {
        this.forcing += 1;
        return this.travel(() => keys.filter((key) => this.locks.delete(key)).length).finally(() => {
          this.forcing -= 1;
        });
      },
      inspect: async () => Promise.reject(new Error('not here')),
      list: () => [][Symbol.iterator]() as never,
      close: async () => Promise.resolve(),
    } as Partial<NodeStore> as NodeStore;
  }

  get isForcing(): boolean {
    return this.forcing > 0;
  }

  /** Restarts the node without its data. */
  restart(): void {
    this.locks.clear();
    this.cancelled.clear();
    this.cutConnections();
  }

  /** Loses the answers to requests under way. */
  cutConnections(): void {
    for (const request of this.open) {
      request.isCut = true;
      request.cut(new Error('the connection was lost'));
    }
  }

  private async travel<Answer>(run: () => Answer, mayArriveLate = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request: Open = { isCut: false, cut: reject };
      this.open.add(request);
      const go = async (): Promise<void> => {
        await this.delay();
        if (request.isCut && !mayArriveLate) return;
        if (request.isCut) for (let more = 0; more < 4; more += 1) await this.delay();
        const answer = run();
        await this.delay();
        this.open.delete(request);
        resolve(answer);
      };
      void go();
    });
  }

  private async delay(): Promise<void> {
    for (let turns = Math.floor(this.random() * 8); turns > 0; turns -= 1) await new Promise(setImmediate);
  }

  private acquire({ keys: [key = ''], ownerId, attemptId }: LeaseRequest): LeaseAnswer {
    const stored = this.locks.get(key);
    if (this.cancelled.has(attemptId) || (stored && stored.ownerId !== ownerId)) {
      return { granted: false, key, remaining: null };
    }
    this.locks.set(key, { ownerId, attempts: [attemptId] });
    return { granted: true, fencingTokens: [++this.token], reentered: [stored !== undefined] };
  }

  private extend({ keys, ownerId }: ExtendRequest): boolean[] {
    return keys.map((key) => this.locks.get(key)?.ownerId === ownerId);
  }

  private release(request: ReleaseRequest | CancelRequest): ReleaseOutcome[] {
    const {
      keys: [key = ''],
      ownerId,
      attemptId = '',
    } = request;
    if ('pending' in request && request.pending) this.cancelled.add(attemptId);
    const stored = this.locks.get(key);
    if (stored?.ownerId !== ownerId || !stored.attempts.includes(attemptId)) return ['gone'];
    this.locks.delete(key);
    return ['freed'];
  }

  private repair({ keys: [key], ownerId, attemptId }: RepairRequest): boolean {
    const stored = this.locks.get(key);
    if (stored || this.cancelled.has(attemptId)) return stored?.ownerId === ownerId;
    this.locks.set(key, { ownerId, attempts: [attemptId] });
    return true;
  }
}
