import {
  StoreNotReachedError,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
} from '../../provider-api/index.js';
import type { ReleaseOutcome, EndRequest } from '../../provider-api/index.js';
import { noSecondStep, partlyTaken } from './redis.messages.js';
import type { LeaseScripts } from './lease-scripts.js';

/** An extension whose first step took longer, in milliseconds, fails: its caller does not wait for it any more. */
const LONGEST_FIRST_STEP = 2500;

/** `keys` by hash slot, in the order in which the slots come up. */
export function bySlot(keys: readonly string[], slotOf: (key: string) => number): string[][] {
  if (keys.length === 1) return [[...keys]];
  const groups = new Map<number, string[]>();
  for (const key of keys) {
    const slot = slotOf(key);
    const group = groups.get(slot);
    if (group) group.push(key);
    else groups.set(slot, [key]);
  }
  return [...groups.values()];
}

/**
 * The requests of the engine in a cluster, where a script sees no more than one slot. A request for keys of several
 * slots is served slot by slot, in the order of the keys.
 */
export class LeasesBySlot implements Pick<LeaseScripts, 'acquire' | 'extend' | 'release'> {
  constructor(
    private readonly scripts: LeaseScripts,
    private readonly slotOf: (key: string) => number,
  ) {}

  acquire(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return this.each(
      requests,
      (whole) => this.scripts.acquire(whole),
      async (request, parts) => this.acquireParts(request, parts),
    );
  }

  extend(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return this.each(
      requests,
      (whole) => this.scripts.extend(whole),
      async (request, parts) => this.extendParts(request, parts),
    );
  }

  release(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.each(
      requests,
      (whole) => this.scripts.release(whole),
      async (request, parts) => this.inParts(request, parts, (part) => this.scripts.release(part)),
    );
  }

  /** Those of one slot together, the others each for itself. */
  private each<Request extends { readonly keys: readonly string[] }, Answer>(
    requests: readonly Request[],
    together: (requests: readonly Request[]) => PromiseLike<Answer>[],
    inParts: (request: Request, parts: readonly Request[]) => Promise<Answer>,
  ): PromiseLike<Answer>[] {
    const whole: Request[] = [];
    const places: number[] = [];
    const answers: PromiseLike<Answer>[] = [];
    requests.forEach((request, index) => {
      const groups = bySlot(request.keys, this.slotOf);
      if (groups.length > 1) {
        answers[index] = inParts(
          request,
          groups.map((keys) => ({ ...request, keys })),
        );
      } else {
        whole.push(request);
        places.push(index);
      }
    });
    for (const [index, answer] of together(whole).entries()) answers[places[index] ?? 0] = answer;
    return answers;
  }

  /**
   * One slot after the other, so that of two who want the same keys the first gets on. Where one is refused the attempt
   * is undone in all of them: asked again, it may have been granted there before.
   */
  private async acquireParts(request: LeaseRequest, parts: readonly LeaseRequest[]): Promise<LeaseAnswer> {
    const { keys, ownerId, attemptId, processId } = request;
    const found = new Map<string, { readonly token: number; readonly reentered: boolean }>();
    try {
      for (const part of parts) {
        // A request for several keys joins no queue, so neither does its part.
        for (const asked of this.scripts.acquire([{ ...part, tokens: 1, queue: false }])) {
          const answer = await asked;
          if (!answer.granted) {
            await this.release([{ keys, ownerId, attemptId, processId, pending: false }])[0];
            return answer;
          }
          for (const [index, key] of part.keys.entries()) {
            found.set(key, { token: answer.fencingTokens[index] ?? 0, reentered: answer.reentered[index] ?? false });
          }
        }
      }
    } catch (error) {
      // The part that did not arrive changed nothing, but the parts before it did: the engine has to cancel the attempt.
      if (found.size > 0 && error instanceof StoreNotReachedError) {
        throw new Error(partlyTaken(error.message), { cause: error });
      }
      throw error;
    }
    return {
      granted: true,
      fencingTokens: keys.map((key) => found.get(key)?.token ?? 0),
      reentered: keys.map((key) => found.get(key)?.reentered ?? false),
    };
  }

  /**
   * First asks whether all are held, then extends them. A lease that is lost in between is answered as not held; the
   * others have become longer then, which delays only their waiters.
   */
  private async extendParts(request: ExtendRequest, parts: readonly ExtendRequest[]): Promise<readonly boolean[]> {
    const extend = (some: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] => this.scripts.extend(some);
    const sentAt = performance.now();
    const asked = parts.map((part) => ({ ...part, ttl: null }));
    const held = await this.inParts(request, asked, extend);
    if (request.ttl === null || !held.every(Boolean)) return held;
    if (performance.now() - sentAt > LONGEST_FIRST_STEP) throw new Error(noSecondStep());
    return this.inParts(request, parts, extend);
  }

  /** All parts at once; the answers in the order of the keys of the whole. */
  private async inParts<Request extends { readonly keys: readonly string[] }, Answer>(
    { keys }: Request,
    parts: readonly Request[],
    ask: (parts: readonly Request[]) => PromiseLike<readonly Answer[]>[],
  ): Promise<readonly Answer[]> {
    const answers = await Promise.all(ask(parts));
    const byKey = new Map<string, Answer>();
    for (const [index, part] of parts.entries()) {
      for (const [place, key] of part.keys.entries()) byKey.set(key, answers[index]?.[place] as Answer);
    }
    return keys.map((key) => byKey.get(key) as Answer);
  }
}
