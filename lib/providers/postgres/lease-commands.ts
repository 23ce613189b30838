import {
  isCancel,
  type EndRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type ReleaseOutcome,
  type StoredLease,
} from '../../provider-api/index.js';
import type { CallKind } from './call-order.js';
import { malformedAnswer } from './postgres-errors.js';
import type { RunCommand } from './store-connection.js';
import { decodeText, encodeKey, encodeText } from './text-codec.js';

/** For how many milliseconds an attempt is refused that was cancelled before it arrived: TCP delivers up to so much later. */
const TOMBSTONE_TTL = 900_000;

const OUTCOMES: readonly ReleaseOutcome[] = ['gone', 'freed', 'kept'];

/** The requests of the engine as calls of functions, and their results as answers. */
export class LeaseCommands {
  private readonly namespace: string;

  constructor(
    namespace: string,
    private readonly run: RunCommand,
  ) {
    this.namespace = encodeText(namespace);
  }

  readonly acquire: CallKind<LeaseRequest, LeaseAnswer> = {
    alike: (one, other) =>
      haveOneKey(one, other) &&
      one.ttl === other.ttl &&
      one.tokens === other.tokens &&
      one.queue === other.queue &&
      one.processId === other.processId &&
      one.onlyIfOwned === other.onlyIfOwned,
    run: async (requests) => {
      const [first] = requests as readonly [LeaseRequest];
      return first.keys.length > 1 ? [await this.acquireAll(first)] : this.acquireEach(first, requests);
    },
  };

  readonly release: CallKind<EndRequest, readonly ReleaseOutcome[]> = {
    alike: (one, other) => {
      if (!isCancel(one)) return !isCancel(other) && one.keepFor === other.keepFor;
      return isCancel(other) && one.pending === other.pending && one.processId === other.processId;
    },
    run: async (requests) => {
      const [first] = requests as readonly [EndRequest];
      const cancel = isCancel(first);
      const items = requests.flatMap(({ keys, attemptId, ownerId }) =>
        keys.map((key) => item(key, attemptId ?? null, ownerId)),
      );
      const outcomes = await this.command('release', {
        cancel,
        keep: cancel ? null : (first.keepFor ?? null),
        process: cancel ? encodeText(first.processId) : null,
        tombstone: cancel && first.pending ? TOMBSTONE_TTL : null,
        items,
      });
      return share(requests, outcomes, (outcome) => OUTCOMES[Number(outcome)]);
    },
  };

  readonly extend: CallKind<ExtendRequest, readonly boolean[]> = {
    alike: (one, other) => one.ttl === other.ttl,
    run: async (requests) => {
      const held = await this.command('extend', {
        ttl: requests[0]?.ttl,
        requests: requests.map(({ keys, ownerId }) => [encodeText(ownerId), ...keys.map((key) => encodeKey(key).id)]),
      });
      return share(requests, held, (one) => (one === 1 || one === 0 ? one === 1 : undefined));
    },
  };

  async revoke(keys: readonly string[]): Promise<number> {
    const [held] = await this.command('revoke', { keys: keys.map((key) => encodeKey(key).id) });
    if (!Number.isSafeInteger(held)) throw malformedAnswer('revoke');
    return held as number;
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    if (keys.length === 0) return [];
    const found = await this.command('inspect', { keys: keys.map((key) => encodeKey(key).id) });
    if (found.length !== keys.length) throw malformedAnswer('inspect');
    return keys.map((key, index) => readLease(key, found[index]));
  }

  /** One page of the keys that are held. `next`: what to ask the next page after; `null` after the last page. */
  async list(prefix: string, after: string | null, most: number): Promise<{ keys: string[]; next: string | null }> {
    const [next, ...found] = await this.command('list', { prefix: encodeText(prefix), after, most });
    return { keys: found.map((key) => decodeText(String(key))), next: typeof next === 'string' ? next : null };
  }

  private async acquireEach(first: LeaseRequest, requests: readonly LeaseRequest[]): Promise<LeaseAnswer[]> {
    const answers = await this.command('acquire', {
      ttl: first.ttl,
      tokens: first.tokens ?? 1,
      owned: first.onlyIfOwned,
      process: first.queue ? encodeText(first.processId) : null,
      items: requests.map(({ keys: [key = ''], attemptId, ownerId }) => item(key, attemptId, ownerId)),
    });
    return requests.map(({ keys: [key = ''] }, index) => readAnswer(key, answers[index]));
  }

  private async acquireAll({ keys, ttl, onlyIfOwned, attemptId, ownerId }: LeaseRequest): Promise<LeaseAnswer> {
    const [granted, ...rest] = await this.command('acquire_all', {
      ttl,
      owned: onlyIfOwned,
      attempt: encodeText(attemptId),
      owner: encodeText(ownerId),
      keys: keys.map((key) => {
        const { id, whole } = encodeKey(key);
        return whole === undefined ? [id] : [id, whole];
      }),
    });
    const numbers = rest.map(Number);
    if (granted === 1) {
      const tokens = keys.map((_, index) => numbers[2 * index] ?? 0);
      const reentered = keys.map((_, index) => numbers[2 * index + 1] === 1);
      return toGrant(tokens, reentered, false);
    }
    const [index = -1, left = NaN] = numbers;
    const key = keys[index];
    if (granted !== 0 || key === undefined || Number.isNaN(left)) throw malformedAnswer('acquire_all');
    return { granted: false, key, remaining: remainingOf(left) };
  }

  private async command(name: string, request: Record<string, unknown>): Promise<readonly unknown[]> {
    return this.run(name, { namespace: this.namespace, ...request });
  }
}

function item(key: string, attemptId: string | null, ownerId: string): (string | null)[] {
  const { id, whole } = encodeKey(key);
  const named = [id, attemptId === null ? null : encodeText(attemptId), encodeText(ownerId)];
  return whole === undefined ? named : [...named, whole];
}

function haveOneKey(one: LeaseRequest, other: LeaseRequest): boolean {
  return one.keys.length === 1 && other.keys.length === 1;
}

/** An element of the result of `acquire`. */
function readAnswer(key: string, answer: unknown): LeaseAnswer {
  if (typeof answer === 'number') return toGrant([answer], [false], false);
  const [kind, value, second, third] = Array.isArray(answer) ? (answer as unknown[]).map(Number) : [];
  if (kind === 1 && value !== undefined) return toGrant([value], [second === 1], third === 1);
  if (kind !== 0 || value === undefined || third === undefined) throw malformedAnswer('acquire');
  const refusal = { granted: false, key, remaining: remainingOf(value) } as const;
  return second === 1 ? { ...refusal, queued: true, lastToken: third } : refusal;
}

/** A grant without a valid token is no grant. */
function toGrant(fencingTokens: number[], reentered: boolean[], contended: boolean): LeaseAnswer {
  if (!fencingTokens.every((token) => Number.isSafeInteger(token) && token > 0)) throw malformedAnswer('acquire');
  return { granted: true, fencingTokens, reentered, contended };
}

/** An element of the result of `inspect`. */
function readLease(key: string, found: unknown): StoredLease | null {
  if (found === null) return null;
  const [ownerId, token, left, queue] = found as [string, number, number, string[]];
  return {
    key,
    ownerId: decodeText(ownerId),
    fencingToken: token,
    ttl: remainingOf(left),
    queue: queue.map(decodeText),
  };
}

function remainingOf(left: number): number | null {
  return left < 0 ? null : left;
}

/** Gives each request its own part of a flat result, one element for each key. */
function share<Answer>(
  requests: readonly { readonly keys: readonly string[] }[],
  result: readonly unknown[],
  read: (element: unknown) => Answer | undefined,
): (readonly Answer[])[] {
  let start = 0;
  return requests.map(({ keys }) => {
    const answers = result.slice(start, (start += keys.length)).map(read);
    const known = answers.filter((answer) => answer !== undefined);
    if (known.length !== keys.length) throw malformedAnswer('release or extend');
    return known;
  });
}
