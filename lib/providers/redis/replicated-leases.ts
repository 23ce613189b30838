import {
  StoreNotReachedError,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type ReleaseOutcome,
  type EndRequest,
} from '../../provider-api/index.js';
import type { LeaseScripts } from './lease-scripts.js';
import { connectionBusy, connectionLost, notReplicated } from './redis.messages.js';

/** How long replicas have to acknowledge, in milliseconds: what they need is a round trip from the master. */
const REPLICA_TIMEOUT = 1000;

/** The engine has stopped waiting by then, so the request must not run late. */
const GIVEN_UP_AFTER = 5000;

/** What it takes to have writes acknowledged. */
export interface Replication {
  /** How many have to. */
  readonly minReplicas: number;
  /** WAIT: how many have acknowledged what was sent before it. It follows in the same pipeline. */
  readonly wait: (minReplicas: number, timeout: number) => Promise<unknown>;
  /** The connection that a command goes to now: another one after it was made anew. */
  readonly connection: () => unknown;
  /** How many scripts had to be sent again, as text, so far: that was behind the WAIT. */
  readonly resent: () => number;
}

interface Queued<Request, Answer> {
  readonly request: Request;
  readonly since: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Leases count only once enough replicas have them. All that is asked in a turn shares one WAIT; as that holds up the
 * connection, there is no second one before it is over: what comes meanwhile goes together in the next. So releases
 * never stand behind more than one, however long replicas take.
 *
 * A grant that was not acknowledged is rejected, and undone like every request that may have been carried out.
 */
export class ReplicatedLeases {
  private acquires: Queued<LeaseRequest, LeaseAnswer>[] = [];
  private extensions: Queued<ExtendRequest, readonly boolean[]>[] = [];
  private waiting = false;

  constructor(
    private readonly scripts: LeaseScripts,
    private readonly replication: Replication,
  ) {}

  acquire(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    const answers = requests.map(async (request) => queue(this.acquires, request));
    this.send();
    return answers;
  }

  extend(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    const answers = requests.map(async (request) => queue(this.extensions, request));
    this.send();
    return answers;
  }

  release(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.scripts.release(requests);
  }

  /** Once for all that is asked in this turn. */
  private send(): void {
    if (this.waiting) return;
    this.waiting = true;
    void Promise.resolve().then(() => {
      const { acquires, extensions } = this;
      this.acquires = [];
      this.extensions = [];
      void this.round(stillWanted(extensions), stillWanted(acquires)).finally(() => {
        this.waiting = false;
        if (this.acquires.length + this.extensions.length > 0) this.send();
      });
    });
  }

  private async round(
    extensions: readonly Queued<ExtendRequest, readonly boolean[]>[],
    acquires: readonly Queued<LeaseRequest, LeaseAnswer>[],
  ): Promise<void> {
    const { resent, connection } = this.replication;
    const before = resent();
    const sentOver = connection();
    const extended = this.scripts.extend(extensions.map(({ request }) => request));
    const granted = this.scripts.acquire(acquires.map(({ request }) => request));
    const enough = this.enough().then(async () => {
      // First time on this server: the WAIT came before what it was for.
      if (resent() > before) await this.enough();
      // An application's client sends a WAIT again on its next connection: it speaks for the server there, and that may
      // be another master which never had the write.
      if (connection() !== sentOver) throw new Error(connectionLost());
    });
    extended.forEach((answer, index) => {
      const asked = extensions[index];
      // Only asked after, nothing was written.
      if (asked) hand(answer, asked, (held) => asked.request.ttl !== null && held.includes(true), enough);
    });
    granted.forEach((answer, index) => {
      const asked = acquires[index];
      if (asked) hand(answer, asked, (lease) => lease.granted, enough);
    });
    await enough.catch(() => undefined);
  }

  private async enough(): Promise<void> {
    await assertReplicated(this.replication);
  }
}

/** @throws Error unless enough replicas have what was sent before */
export async function assertReplicated({ minReplicas, wait }: Replication): Promise<void> {
  const count = Number(await wait(minReplicas, REPLICA_TIMEOUT));
  if (count < minReplicas) throw new Error(notReplicated(count, minReplicas, REPLICA_TIMEOUT));
}

async function queue<Request, Answer>(list: Queued<Request, Answer>[], request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => list.push({ request, since: performance.now(), resolve, reject }));
}

function stillWanted<Request, Answer>(list: readonly Queued<Request, Answer>[]): Queued<Request, Answer>[] {
  const now = performance.now();
  return list.filter(({ since, reject }) => {
    const wanted = now - since < GIVEN_UP_AFTER;
    if (!wanted) reject(new StoreNotReachedError(connectionBusy()));
    return wanted;
  });
}

/** Answers at once where nothing was taken. */
function hand<Answer>(
  answer: PromiseLike<Answer>,
  { resolve, reject }: Queued<unknown, Answer>,
  took: (answer: Answer) => boolean,
  enough: Promise<void>,
): void {
  answer
    .then(async (value) => {
      if (took(value)) await enough;
      resolve(value);
    })
    .then(undefined, reject);
}
