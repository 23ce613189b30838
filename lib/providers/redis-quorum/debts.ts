import type { EndRequest } from '../../provider-api/index.js';

/** Beyond so many, the releases that a node lacks are dropped: its leases expire by themselves. */
const MOST_DEBTS = 10_000;

/** As many as are tried at once. */
const BATCH = 200;

/**
 * The releases that a node still lacks, by attempt: it could not be asked, or its answer is missing. Only what one attempt
 * has taken: anything else could be a newer lock of another holder by the time the node hears of it.
 */
export class Debts {
  private readonly byAttempt = new Map<string, EndRequest[]>();
  private count = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  add(request: EndRequest): void {
    const { attemptId } = request;
    // Of too many, the first matter most: the node was last known to have these.
    if (attemptId === undefined || this.count >= MOST_DEBTS) return;
    // By the time it is told, there is nothing to keep any more.
    const plain = { ...request, keepFor: undefined };
    const others = this.byAttempt.get(attemptId);
    if (others) others.push(plain);
    else this.byAttempt.set(attemptId, [plain]);
    this.count += 1;
  }

  /** Takes out what is owed of one attempt. */
  take(attemptId: string): readonly EndRequest[] {
    const requests = this.byAttempt.get(attemptId) ?? [];
    this.byAttempt.delete(attemptId);
    this.count -= requests.length;
    return requests;
  }

  has(attemptId: string): boolean {
    return this.byAttempt.has(attemptId);
  }

  settle(request: EndRequest): void {
    const { attemptId = '' } = request;
    const left = this.byAttempt.get(attemptId)?.filter((other) => other !== request);
    if (!left || left.length === this.byAttempt.get(attemptId)?.length) return;
    this.count -= 1;
    if (left.length > 0) this.byAttempt.set(attemptId, left);
    else this.byAttempt.delete(attemptId);
  }

  /** Some that may be tried now. */
  next(mayTry: (attemptId: string) => boolean): EndRequest[] {
    const found: EndRequest[] = [];
    for (const [attemptId, requests] of this.byAttempt) {
      if (found.length >= BATCH) break;
      if (mayTry(attemptId)) found.push(...requests);
    }
    return found;
  }

  all(): EndRequest[] {
    return [...this.byAttempt.values()].flat();
  }
}
