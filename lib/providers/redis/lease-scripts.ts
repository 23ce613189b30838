import {
  StoreNotReachedError,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type ReleaseOutcome,
  type ReleaseRequest,
} from '../../interfaces/index.js';
import { inBatches } from './batches.js';
import type { ScriptName } from './script-runner.js';
import type { StoreKeys } from './store-keys.js';

/** Sends a script. */
export type RunScript = (name: ScriptName, keys: readonly string[], args: readonly string[]) => Promise<unknown[]>;

/** What scripts are told beside their requests. */
export interface ScriptSurroundings {
  readonly keys: StoreKeys;
  readonly run: RunScript;
  /** For how many milliseconds an attempt that was given up before it came is refused when it comes. */
  readonly voidFor: () => number;
}

const OUTCOMES: readonly ReleaseOutcome[] = ['gone', 'freed', 'kept'];

/** The requests of the engine as calls of scripts, and the replies as answers. */
export class LeaseScripts {
  constructor(private readonly around: ScriptSurroundings) {}

  acquire(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    return inBatches(
      requests,
      (one, other) =>
        one.keys.length === 1 &&
        other.keys.length === 1 &&
        one.ttl === other.ttl &&
        one.tokens === other.tokens &&
        one.address === other.address &&
        one.onlyIfOwned === other.onlyIfOwned,
      async (batch) => {
        const [first] = batch;
        return first?.keys.length === 1 ? this.acquireEach(first, batch) : [await this.acquireAll(first)];
      },
    );
  }

  release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    return inBatches(
      requests,
      (one, other) =>
        one.undo === other.undo &&
        one.pending === other.pending &&
        one.keepFor === other.keepFor &&
        one.address === other.address &&
        one.keys.length === 1 &&
        other.keys.length === 1,
      async (batch) => this.releaseEach(batch),
    );
  }

  extend(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[] {
    return inBatches(
      requests,
      (one, other) => one.keys.length === 1 && other.keys.length === 1 && one.ttl === other.ttl,
      async (batch) => {
        const [first] = batch;
        const args = [text(first?.ttl), first?.keys.length === 1 ? '0' : '1'];
        const locks: string[] = [];
        for (const { keys, attemptId = '', ownerId } of batch) {
          for (const key of keys) {
            locks.push(this.around.keys.lock(key));
            args.push(claim(attemptId, ownerId));
          }
        }
        const held = (await this.around.run('extend', locks, args)).map((reply) => Number(reply) === 1);
        return split(batch, held);
      },
    );
  }

  private async acquireEach(
    { ttl, tokens = 1, address = '', onlyIfOwned }: LeaseRequest,
    batch: readonly LeaseRequest[],
  ): Promise<(LeaseAnswer | Error)[]> {
    const args = [text(ttl), onlyIfOwned ? '0' : String(tokens), address];
    for (const { attemptId, ownerId } of batch) args.push(claim(attemptId, ownerId));
    const keys = batch.map(({ keys: [key = ''] }) => key);
    const replies = await this.around.run('acquire', this.keysFor(keys), args);
    return replies.map((reply, index) => readReply(reply, keys[index] ?? ''));
  }

  private async acquireAll(request: LeaseRequest | undefined): Promise<LeaseAnswer> {
    const { keys = [], ttl = null, onlyIfOwned, attemptId = '', ownerId = '' } = request ?? {};
    const args = [text(ttl), onlyIfOwned ? '1' : '0', claim(attemptId, ownerId)];
    const reply = await this.around.run('acquireAll', this.keysFor(keys), args);
    const [granted, ...rest] = reply.map(Number);
    if (granted === -1) throw new StoreNotReachedError(String(reply[1]));
    if (granted === 1) {
      const fencingTokens = keys.map((_, index) => rest[2 * index] ?? 0);
      return { granted: true, fencingTokens, reentered: keys.map((_, index) => rest[2 * index + 1] === 1) };
    }
    const [index = 1, pttl = -1, foreign] = rest;
    return refusal(keys[index - 1] ?? '', pttl, false, foreign === 1);
  }

  private async releaseEach(batch: readonly ReleaseRequest[]): Promise<(readonly ReleaseOutcome[])[]> {
    const args = [this.manner(batch[0])];
    const keys: string[] = [];
    for (const { keys: own, attemptId = '', ownerId } of batch) {
      for (const key of own) {
        keys.push(key);
        args.push(claim(attemptId, ownerId));
      }
    }
    const replies = await this.around.run('release', this.keysFor(keys), args);
    return split(
      batch,
      replies.map((outcome) => OUTCOMES[Number(outcome)] ?? 'gone'),
    );
  }

  /** How `release.lua` is to give up. */
  private manner({ undo, address = '', pending, keepFor }: Partial<ReleaseRequest> = {}): string {
    if (keepFor !== undefined) return `keep ${String(keepFor)}`;
    if (!undo) return '';
    return `undo ${pending ? String(this.around.voidFor()) : ''} ${address}`;
  }

  /** The keys of a script that may grant leases. */
  private keysFor(keys: readonly string[]): string[] {
    return this.around.keys.addTo([this.around.keys.fence], keys);
  }
}

/** One reply of `acquire.lua`. Numbers come as strings where ioredis is told so. */
function readReply(reply: unknown, key: string): LeaseAnswer | Error {
  if (!Array.isArray(reply))
    return { granted: true, fencingTokens: [Number(reply)], reentered: [false], wanted: false };
  const [kind, value, second, third] = (reply as unknown[]).map((part, index) => (index === 1 ? part : Number(part)));
  if (kind === -1) return new StoreNotReachedError(String(value));
  if (kind === 1) {
    return { granted: true, fencingTokens: [Number(value)], reentered: [second === 1], wanted: third === 1 };
  }
  return refusal(key, Number(value), second === 1, third === 1);
}

function refusal(key: string, pttl: number, queued: boolean, foreign: boolean): LeaseAnswer {
  return {
    granted: false,
    key,
    remaining: pttl === -1 ? null : Math.max(0, pttl),
    ...(queued && { queued }),
    ...(foreign && { foreign }),
  };
}

/** What an own lock's value ends with: see `scripts/shared/value.lua`. */
function claim(attemptId: string, ownerId: string): string {
  return `:${attemptId}:${ownerId}`;
}

/** Gives each request of a batch the answers for its own keys. */
function split<Answer>(
  batch: readonly { readonly keys: readonly string[] }[],
  answers: readonly Answer[],
): (readonly Answer[])[] {
  let start = 0;
  return batch.map(({ keys }) => answers.slice(start, (start += keys.length)));
}

function text(milliseconds: number | null | undefined): string {
  return milliseconds === null || milliseconds === undefined ? '' : String(milliseconds);
}
