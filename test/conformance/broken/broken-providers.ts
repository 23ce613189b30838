import {
  InMemoryLockingProvider,
  type CancelRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type RecordAnswer,
  type RecordDeletion,
  type RecordWrite,
  type ReleaseOutcome,
  type ReleaseRequest,
  type StoredLease,
  type WakeUpListener,
} from '../../../lib/index.js';

const HOUR = 3_600_000;

type Keyed = LeaseRequest | ExtendRequest | ReleaseRequest | CancelRequest;

/** Stores altered requests, like a store with narrow columns. */
abstract class Rewrites extends InMemoryLockingProvider {
  protected abstract rewrite<Request extends Keyed>(request: Request): Request;

  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return super.acquireBatch(requests.map((request) => this.rewrite(request)));
  }

  override extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return super.extendBatch(requests.map((request) => this.rewrite(request)));
  }

  override releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return super.releaseBatch(requests.map((request) => this.rewrite(request)));
  }

  override cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return super.cancelBatch(requests.map((request) => this.rewrite(request)));
  }
}

abstract class RewritesKeys extends Rewrites {
  protected abstract keyOf(key: string): string;

  protected rewrite<Request extends Keyed>(request: Request): Request {
    return { ...request, keys: request.keys.map((key) => this.keyOf(key)) };
  }

  override async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return super.inspect(keys.map((key) => this.keyOf(key)));
  }
}

export class CutsOwners extends Rewrites {
  protected rewrite<Request extends Keyed>(request: Request): Request {
    return { ...request, ownerId: request.ownerId.slice(0, 64) };
  }
}

export class CutsKeys extends RewritesKeys {
  protected keyOf(key: string): string {
    return Buffer.from(key).subarray(0, 250).toString();
  }
}

export class NormalizesKeys extends RewritesKeys {
  protected keyOf(key: string): string {
    return key.normalize('NFC');
  }
}

export class IgnoresCase extends RewritesKeys {
  protected keyOf(key: string): string {
    return key.toLowerCase();
  }
}

export class TrimsKeys extends RewritesKeys {
  protected keyOf(key: string): string {
    return key.trim();
  }
}

export class CapsLeases extends Rewrites {
  protected rewrite<Request extends Keyed>(request: Request): Request {
    if (!('ttl' in request) || request.ttl === null) return request;
    return { ...request, ttl: Math.min(request.ttl, HOUR) };
  }
}

export class RoundsLeasesUp extends Rewrites {
  protected rewrite<Request extends Keyed>(request: Request): Request {
    if (!('ttl' in request) || request.ttl === null) return request;
    return { ...request, ttl: Math.ceil(request.ttl / 1000) * 1000 };
  }
}

/** Carries out another release than the requested one. */
abstract class ReleasesOtherwise extends InMemoryLockingProvider {
  protected abstract change(request: ReleaseRequest, holders: readonly (string | undefined)[]): ReleaseRequest;

  override releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return requests.map(async (request) => {
      const stored = await super.inspect(request.keys);
      const holders = stored.map((lease) => lease?.ownerId);
      const [outcomes] = await Promise.all(super.releaseBatch([this.change(request, holders)]));
      return outcomes ?? [];
    });
  }
}

export class KeepsForAnybody extends ReleasesOtherwise {
  protected change(request: ReleaseRequest, [holder]: readonly (string | undefined)[]): ReleaseRequest {
    return request.keepFor === undefined || holder === undefined ? request : { ...request, ownerId: holder };
  }
}

export class FreesByAttemptAlone extends ReleasesOtherwise {
  protected change(request: ReleaseRequest, [holder]: readonly (string | undefined)[]): ReleaseRequest {
    return request.attemptId === undefined || holder === undefined ? request : { ...request, ownerId: holder };
  }
}

export class FreesForAnybody extends ReleasesOtherwise {
  protected change(request: ReleaseRequest, [holder]: readonly (string | undefined)[]): ReleaseRequest {
    return { ...request, ownerId: holder ?? request.ownerId };
  }
}

export class ForgetsAttempts extends ReleasesOtherwise {
  protected change(request: ReleaseRequest): ReleaseRequest {
    return { ...request, attemptId: undefined };
  }
}

export class KeepsNoTombstones extends InMemoryLockingProvider {
  override cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return super.cancelBatch(requests.map((request) => ({ ...request, pending: false })));
  }
}

/** A cancel also ends earlier grants of the owner. */
export class CancelsAllGrants extends InMemoryLockingProvider {
  override cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return super.releaseBatch(requests.map(({ keys, ownerId }) => ({ keys, ownerId })));
  }
}

/** It cancels without comparing the owner. */
export class CancelsForAnybody extends InMemoryLockingProvider {
  override cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return requests.map(async (request) => {
      const [stored] = await super.inspect(request.keys);
      return Promise.all(super.cancelBatch([{ ...request, ownerId: stored?.ownerId ?? request.ownerId }])).then(
        ([outcomes]) => outcomes!,
      );
    });
  }
}

/** A cancelled attempt stays in the queue. */
export class KeepsCancelledEntries extends InMemoryLockingProvider {
  override cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return super.cancelBatch(requests.map((request) => ({ ...request, processId: 'another' })));
  }
}

/** It tells no holder that its lock was revoked. */
export class RevokesSilently extends InMemoryLockingProvider {
  override async listen(processId: string, listener: WakeUpListener): Promise<void> {
    return super.listen(processId, {
      granted: (...message) => {
        listener.granted(...message);
      },
      offered: (...message) => {
        listener.offered(...message);
      },
      contended: (...message) => {
        listener.contended(...message);
      },
      lost: () => undefined,
      interrupted: () => {
        listener.interrupted();
      },
      restored: () => {
        listener.restored();
      },
    });
  }
}

export class IgnoresKeepFor extends ReleasesOtherwise {
  protected change(request: ReleaseRequest): ReleaseRequest {
    return { ...request, keepFor: undefined };
  }
}

/** A key that is kept after its release still counts as held. */
export class HoldsWhatItKeeps extends InMemoryLockingProvider {
  override releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return super.releaseBatch(requests).map(async (answer, index) => {
      const outcomes = await answer;
      const { keys, ownerId, keepFor } = requests[index]!;
      if (keepFor !== undefined && outcomes.includes('freed')) {
        await Promise.all(
          super.acquireBatch([{ keys, ownerId, attemptId: 'kept', processId: 'kept', ttl: 1, onlyIfOwned: true }]),
        );
      }
      return outcomes;
    });
  }
}

/** Serves the requests for several keys of a batch before the others. */
export class ReordersBatches extends InMemoryLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    const answers = new Map<LeaseRequest, PromiseLike<LeaseAnswer>>();
    const sorted = [...requests].sort((a, b) => b.keys.length - a.keys.length);
    super.acquireBatch(sorted).forEach((answer, index) => answers.set(sorted[index]!, answer));
    return requests.map((request) => answers.get(request)!);
  }
}

/** Answers all requests of a batch by the state before it. */
export class AnswersBatchesFromBefore extends InMemoryLockingProvider {
  override releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    const before = super.inspect(requests.flatMap(({ keys }) => keys));
    return super.releaseBatch(requests).map(async (done, index) => {
      const [outcomes, stored] = await Promise.all([done, before]);
      const { keys, ownerId } = requests[index]!;
      return keys.map((key, at) => {
        const held = stored.some((lease) => lease?.key === key && lease.ownerId === ownerId);
        return outcomes[at] === 'gone' && held ? 'freed' : outcomes[at]!;
      });
    });
  }
}

/** One request that it cannot serve makes it reject the whole batch. */
export class RejectsWholeBatches extends InMemoryLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    const bad = requests.some(({ keys }) => keys.some((key) => key.includes('\u0000')));
    if (!bad) return super.acquireBatch(requests);
    return requests.map(async () => Promise.reject(new Error('a key with a NUL')));
  }
}

/** Hands a key to the last waiter of three. */
export class ServesTheLastFirst extends InMemoryLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    const answers = super.acquireBatch(requests);
    const { queues } = (this as unknown as { store: { queues: { queues: Map<string, unknown[]> } } }).store;
    for (const waiting of queues.queues.values()) if (waiting.length === 3) waiting.splice(1, 0, waiting.pop());
    return answers;
  }
}

export class RepeatsTokens extends InMemoryLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return super.acquireBatch(requests).map(async (done) => {
      const answer = await done;
      return answer.granted ? { ...answer, fencingTokens: answer.fencingTokens.map(() => 7) } : answer;
    });
  }
}

export class IgnoresTokenBlocks extends InMemoryLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return super.acquireBatch(requests.map((request) => ({ ...request, tokens: 1 })));
  }
}

export class ExtendsForAnybody extends InMemoryLockingProvider {
  override extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return requests.map(async (request) => {
      const [lease] = await super.inspect(request.keys);
      const [held] = await Promise.all(super.extendBatch([{ ...request, ownerId: lease?.ownerId ?? request.ownerId }]));
      return held ?? [];
    });
  }
}

export class ExtendsSomeKeys extends InMemoryLockingProvider {
  override extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return requests.map(async (request) => {
      const each = super.extendBatch(request.keys.map((key) => ({ ...request, keys: [key] })));
      return (await Promise.all(each)).flat();
    });
  }
}

export class TakesSomeKeys extends InMemoryLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return requests.map(async (request) => {
      const each = await Promise.all(super.acquireBatch(request.keys.map((key) => ({ ...request, keys: [key] }))));
      const refused = each.find((answer) => !answer.granted);
      if (refused) return refused;
      const granted = each.filter((answer) => answer.granted);
      return {
        granted: true as const,
        fencingTokens: granted.flatMap(({ fencingTokens }) => fencingTokens),
        reentered: granted.flatMap(({ reentered }) => reentered),
        contended: granted.some(({ contended }) => contended),
      };
    });
  }
}

export class CountsRevoked extends InMemoryLockingProvider {
  override async revoke(keys: readonly string[]): Promise<number> {
    await super.revoke(keys);
    return keys.length;
  }
}

export class ListsOnePage extends InMemoryLockingProvider {
  override async *list(match?: string): AsyncGenerator<StoredLease> {
    let count = 0;
    for await (const lease of super.list(match)) if ((count += 1) <= 1000) yield lease;
  }
}

export class LetsOldTokensWrite extends InMemoryLockingProvider {
  override async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    return super.writeRecord({ ...request, token: Number.MAX_SAFE_INTEGER });
  }
}

export class IgnoresVersions extends InMemoryLockingProvider {
  override async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    const { ifVersion, ...rest } = request;
    return super.writeRecord(ifVersion === undefined ? request : rest);
  }
}

export class ForgetsDeletedTokens extends InMemoryLockingProvider {
  override async deleteRecord(request: RecordDeletion): Promise<RecordAnswer> {
    return super.deleteRecord({ ...request, keepTokenFor: 0 });
  }
}

export class RefusesRepetitions extends InMemoryLockingProvider {
  override async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    return super.writeRecord({ ...request, version: `${request.version}.${String(Math.random())}` });
  }
}

export class KeepsRecordsForEver extends InMemoryLockingProvider {
  override async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    return super.writeRecord({ ...request, ttl: null });
  }
}

export class RevokesAnyOwner extends InMemoryLockingProvider {
  override async revokeSeen({ key }: StoredLease): Promise<boolean> {
    return (await this.revoke([key])) > 0;
  }
}

export class RevokesAnyToken extends InMemoryLockingProvider {
  override async revokeSeen(seen: StoredLease): Promise<boolean> {
    const [found] = await this.inspect([seen.key]);
    return super.revokeSeen({ ...seen, fencingToken: found?.fencingToken ?? null });
  }
}
