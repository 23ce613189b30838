import {
  isCancel,
  type EndRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type ReleaseOutcome,
} from '../../provider-api/index.js';
import { inBatches, LARGEST_BATCH, PIPELINED_BATCH, type RunScript, type ScriptCall } from './batches.js';
import { failureOf, malformedReply, refusalOf, wholeNumber } from './redis-errors.js';
import type { StoreKeys } from './store-keys.js';

/** What scripts are told beside their requests. */
export interface ScriptSurroundings {
  readonly keys: StoreKeys;
  readonly run: RunScript;
  /** For how many milliseconds an attempt that was cancelled before it arrived is refused. */
  readonly tombstoneTtl: () => number;
}

/** How soon a process is to ask a server of a quorum again for a key, in milliseconds. */
export interface VotePace {
  readonly shortest: number;
  readonly longest: number;
}

/** A lease to repair on a server of a quorum that lacks it. */
export interface RepairRequest {
  readonly keys: readonly [string];
  readonly ownerId: string;
  readonly attemptId: string;
  readonly fencingToken: number;
  readonly lastToken: number;
  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;
}

const OUTCOMES: readonly ReleaseOutcome[] = ['gone', 'freed', 'kept'];

const HELD: readonly boolean[] = [false, true];

/** The requests of the engine as calls of scripts, and the replies as answers. */
export class LeaseScripts {
  constructor(private readonly around: ScriptSurroundings) {}

  acquire(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    const alike = (one: LeaseRequest, other: LeaseRequest): boolean =>
      areShort(one, other) &&
      one.ttl === other.ttl &&
      one.tokens === other.tokens &&
      one.queue === other.queue &&
      one.processId === other.processId &&
      one.onlyIfOwned === other.onlyIfOwned;
    return this.send(requests, PIPELINED_BATCH, alike, (batch) => this.toAcquire(batch));
  }

  release(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    const alike = (one: EndRequest, other: EndRequest): boolean => {
      if (!areShort(one, other)) return false;
      if (!isCancel(one)) return !isCancel(other) && one.keepFor === other.keepFor;
      return isCancel(other) && one.pending === other.pending && one.processId === other.processId;
    };
    return this.send(requests, PIPELINED_BATCH, alike, (batch) => this.toRelease(batch));
  }

  extend(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    const alike = (one: ExtendRequest, other: ExtendRequest): boolean => areShort(one, other) && one.ttl === other.ttl;
    return this.send(requests, LARGEST_BATCH, alike, (batch) => this.toExtend(batch));
  }

  vote(requests: readonly LeaseRequest[], pace: VotePace): PromiseLike<LeaseAnswer>[] {
    const alike = (one: LeaseRequest, other: LeaseRequest): boolean =>
      areShort(one, other) &&
      one.ttl === other.ttl &&
      one.tokens === other.tokens &&
      one.waited === other.waited &&
      one.onlyIfOwned === other.onlyIfOwned;
    return this.send(requests, PIPELINED_BATCH, alike, (batch) => this.toVote(batch, pace));
  }

  repair(requests: readonly RepairRequest[]): PromiseLike<boolean>[] {
    const alike = (): boolean => true;
    return this.send(requests, LARGEST_BATCH, alike, (batch) => this.toRepair(batch));
  }

  private send<Request extends Claimed, Answer>(
    requests: readonly Request[],
    most: number,
    alike: (one: Request, other: Request) => boolean,
    toCall: (batch: readonly Request[]) => ScriptCall<Answer>,
  ): PromiseLike<Answer>[] {
    return inBatches(requests, { most, alike, slotOf: this.slotOf }, toCall, this.around.run);
  }

  private toAcquire(batch: readonly LeaseRequest[]): ScriptCall<LeaseAnswer> {
    const [first] = batch as [LeaseRequest];
    if (first.keys.length > 1) return this.toAcquireAll(first);
    return this.toAcquireEach('acquire', batch, first.queue ? first.processId : '');
  }

  private toVote(batch: readonly LeaseRequest[], { shortest, longest }: VotePace): ScriptCall<LeaseAnswer> {
    const [first] = batch as [LeaseRequest];
    if (first.keys.length > 1) return this.toAcquireAll(first);
    return this.toAcquireEach('vote', batch, `${text(first.waited)} ${String(shortest)} ${String(longest)}`);
  }

  private toAcquireEach(
    name: 'acquire' | 'vote',
    batch: readonly LeaseRequest[],
    manner: string,
  ): ScriptCall<LeaseAnswer> {
    const [{ ttl, tokens = 1, onlyIfOwned, waited }] = batch as [LeaseRequest];
    const args = [text(ttl), onlyIfOwned ? '0' : String(tokens), manner];
    const keys = addClaims(args, batch);
    const read = (replies: readonly unknown[]): (LeaseAnswer | Error)[] =>
      replies.map((reply, index) => readReply(reply, keys[index] ?? '', waited !== undefined));
    return { name, keys: this.namesOf(keys), args, read };
  }

  private toAcquireAll({ keys, ttl, onlyIfOwned, attemptId, ownerId }: LeaseRequest): ScriptCall<LeaseAnswer> {
    const args = [text(ttl), onlyIfOwned ? '1' : '0', claim(attemptId, ownerId)];
    return { name: 'acquireAll', keys: this.namesOf(keys), args, read: (reply) => [readReplyForAll(reply, keys)] };
  }

  private toRelease(batch: readonly EndRequest[]): ScriptCall<readonly ReleaseOutcome[]> {
    const [first] = batch as [EndRequest];
    const args = [this.manner(first)];
    const keys = addClaims(args, batch);
    const read = (reply: readonly unknown[]): (readonly ReleaseOutcome[] | Error)[] =>
      split(batch, reply, 'release', (outcome) => failureIn(outcome) ?? OUTCOMES[wholeNumber(outcome)]);
    return { name: 'release', keys: this.around.keys.forRelease(keys), args, read };
  }

  private toExtend(batch: readonly ExtendRequest[]): ScriptCall<readonly boolean[]> {
    const [{ keys: own, ttl }] = batch as [ExtendRequest];
    const args = [text(ttl), own.length === 1 ? '0' : '1'];
    const keys = addClaims(args, batch).map((key) => this.around.keys.lock(key));
    return {
      name: 'extend',
      keys,
      args,
      read: (reply) => split(batch, reply, 'extend', (held) => HELD[wholeNumber(held)]),
    };
  }

  private toRepair(batch: readonly RepairRequest[]): ScriptCall<boolean> {
    const args: string[] = [];
    for (const { ownerId, attemptId, fencingToken, lastToken, ttl } of batch) {
      args.push(text(ttl), String(fencingToken), String(lastToken), claim(attemptId, ownerId));
    }
    const keys = this.namesOf(batch.map(({ keys: [key] }) => key));
    const read = (replies: readonly unknown[]): (boolean | Error)[] =>
      replies.map((reply) => failureIn(reply) ?? HELD[wholeNumber(reply)] ?? malformedReply('repair'));
    return { name: 'repair', keys, args, read };
  }

  /** How `release.lua` ends the grants. */
  private manner(request: EndRequest): string {
    if (isCancel(request))
      return `cancel ${request.pending ? String(this.around.tombstoneTtl()) : ''} ${request.processId}`;
    return request.keepFor === undefined ? '' : `keep ${String(request.keepFor)}`;
  }

  /** The keys of a script that may grant leases. */
  private namesOf(keys: readonly string[]): string[] {
    return this.around.keys.forGrants(keys);
  }

  private readonly slotOf = ({ keys: [first = ''] }: Claimed): number => this.around.keys.slotOf(first);
}

/** One reply of `acquire.lua` or `vote.lua`. Numbers come as strings where ioredis is told so. */
function readReply(reply: unknown, key: string, isWaiting: boolean): LeaseAnswer | Error {
  if (!Array.isArray(reply)) return grantOf([wholeNumber(reply)], [false], false);
  const [kind, value, second, third, last, within] = (reply as unknown[]).map((part, index) =>
    index === 1 ? part : wholeNumber(part),
  );
  if (kind === -1) return refusalOf(String(value));
  if (kind === 1) return grantOf([wholeNumber(value)], [second === 1], third === 1);
  if (kind !== 0 || !Number.isFinite(wholeNumber(value))) return malformedReply('acquire');
  if (typeof within === 'number' && within > 0) {
    // A free key is as good as held until the process that has waited longer was to ask again.
    const answer = refusal(key, Number(value) === -2 ? within : Number(value), third === 1);
    return isWaiting ? { ...answer, askWithin: within } : answer;
  }
  return refusal(key, Number(value), third === 1, second === 1 ? Number(last) : undefined);
}

/** A grant without a valid token is no grant. */
function grantOf(fencingTokens: number[], reentered: boolean[], contended: boolean): LeaseAnswer | Error {
  if (!fencingTokens.every((token) => Number.isSafeInteger(token) && token > 0)) return malformedReply('acquire');
  return { granted: true, fencingTokens, reentered, contended };
}

type Refusal = LeaseAnswer & { readonly granted: false };

/** @param lastToken - if the process has a queue entry now */
function refusal(key: string, pttl: number, foreign: boolean, lastToken?: number): Refusal {
  return {
    granted: false,
    key,
    remaining: pttl === -1 ? null : Math.max(0, pttl),
    ...(foreign && { foreign }),
    ...(lastToken !== undefined && { queued: true, lastToken }),
  };
}

/** What an own lock's value ends with: see `scripts/shared/value.lua`. */
function claim(attemptId: string, ownerId: string): string {
  return `:${attemptId}:${ownerId}`;
}

/** The reply of `acquireAll.lua`. */
function readReplyForAll(reply: readonly unknown[], keys: readonly string[]): LeaseAnswer | Error {
  const [granted, ...rest] = reply.map(wholeNumber);
  if (granted === -1) return refusalOf(String(reply[1]));
  if (granted === 1) {
    const tokens = keys.map((_, index) => rest[2 * index] ?? 0);
    return grantOf(
      tokens,
      keys.map((_, index) => rest[2 * index + 1] === 1),
      false,
    );
  }
  if (granted !== 0 || !rest.every(Number.isFinite)) return malformedReply('acquireAll');
  const [index = 1, pttl = -1, foreign] = rest;
  return refusal(keys[index - 1] ?? '', pttl, foreign === 1);
}

interface Claimed {
  readonly keys: readonly string[];
  readonly attemptId?: string;
  readonly ownerId: string;
}

/** Adds the claim on each key; returns all those keys. */
function addClaims(args: string[], batch: readonly Claimed[]): string[] {
  const all: string[] = [];
  for (const { keys, attemptId = '', ownerId } of batch) {
    for (const key of keys) {
      all.push(key);
      args.push(claim(attemptId, ownerId));
    }
  }
  return all;
}

function areShort(one: Claimed, other: Claimed): boolean {
  return one.keys.length === 1 && other.keys.length === 1;
}

/** The error that stands in the place of one key's answer. Part of what was asked for may have been done. */
function failureIn(reply: unknown): Error | undefined {
  if (!Array.isArray(reply) || wholeNumber(reply[0]) !== -1 || typeof reply[1] !== 'string') return undefined;
  return failureOf(reply[1]);
}

/** Gives each request of a batch what was said of its own keys. */
function split<Answer>(
  batch: readonly Claimed[],
  replies: readonly unknown[],
  script: string,
  read: (reply: unknown) => Answer | Error | undefined,
): (readonly Answer[] | Error)[] {
  let start = 0;
  return batch.map(({ keys }) => {
    const answers: Answer[] = [];
    for (const reply of replies.slice(start, (start += keys.length))) {
      const answer = read(reply);
      if (answer instanceof Error) return answer;
      if (answer !== undefined) answers.push(answer);
    }
    return answers.length === keys.length ? answers : malformedReply(script);
  });
}

function text(milliseconds: number | null | undefined): string {
  return milliseconds === null || milliseconds === undefined ? '' : String(milliseconds);
}
