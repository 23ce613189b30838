import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import type { CancelRequest, ExtendRequest, LeaseAnswer, LeaseRequest, LeaseStore } from 'nestjs-locking';
import type { LockingProviderOptions, ReleaseOutcome, ReleaseRequest, StoredLease } from 'nestjs-locking';

export type FileLockingOptions = LockingProviderOptions & { folder: string };
/** `attempts`: the grants of the owner, oldest first. `expiresAt`: in milliseconds; `Infinity` never expires. */
type Lease = { ownerId: string; attempts: string[]; token: number; expiresAt: number };
type Left = (attempts: string[]) => string[];
type State = { leases: Map<string, Lease>; tombstones: Map<string, number>; lastToken: number };

/** Locks of the processes of one machine. A file holds the whole state; a change creates the file of the next version. */
export class FileLockingProvider implements LeaseStore {
  static readonly identifier = 'locking-files';
  static readonly optionNames = ['folder'];

  constructor(private readonly options: FileLockingOptions) {
    mkdirSync(options.folder, { recursive: true });
  }

  async acquire(request: LeaseRequest): Promise<LeaseAnswer> {
    const { keys, ownerId, attemptId, ttl, onlyIfOwned, tokens = 1 } = request;
    return this.change((state): LeaseAnswer => {
      const { leases } = state;
      const isFree = (key: string) => (leases.has(key) ? leases.get(key)?.ownerId === ownerId : !onlyIfOwned);
      const refused = state.tombstones.has(attemptId) ? keys[0] : keys.find((key) => !isFree(key));
      if (refused !== undefined) {
        // The attempt may have been granted before: this answer denies it.
        for (const key of keys) endGrants(state, key, ownerId, without(attemptId));
        return { granted: false, key: refused, remaining: timeLeft(leases.get(refused)?.expiresAt) };
      }
      const token = Math.max(state.lastToken + 1, Date.now() * 1000);
      state.lastToken = token + tokens - 1;
      const granted = keys.map((key) => {
        const lease = leases.get(key) ?? { ownerId, attempts: [], token, expiresAt: 0 };
        if (lease.attempts.at(-1) !== attemptId) lease.token = token;
        lease.attempts = [...without(attemptId)(lease.attempts), attemptId];
        lease.expiresAt = until(lease, ttl);
        leases.set(key, lease);
        return lease;
      });
      const fencingTokens = granted.map((lease) => lease.token);
      return { granted: true, fencingTokens, reentered: granted.map(({ attempts }) => attempts.length > 1) };
    });
  }

  async extend({ keys, ownerId, ttl }: ExtendRequest): Promise<readonly boolean[]> {
    return this.change(({ leases }) => {
      const found = keys.map((key) => leases.get(key));
      // A key that is kept after its release has no grants.
      const held = found.map((lease) => lease?.ownerId === ownerId && lease.attempts.length > 0);
      if (ttl !== null && held.every(Boolean))
        for (const lease of found) if (lease) lease.expiresAt = until(lease, ttl);
      return held;
    });
  }

  async release({ keys, ownerId, attemptId, keepFor }: ReleaseRequest): Promise<readonly ReleaseOutcome[]> {
    // Older grants end with a newer one: `indexOf` is -1 for an attempt that has no grant, and all grants stay.
    const left = (ids: string[]) => (attemptId === undefined ? [] : ids.slice(ids.indexOf(attemptId) + 1));
    return this.change((state) => keys.map((key) => endGrants(state, key, ownerId, left, keepFor)));
  }

  async cancel({ keys, ownerId, attemptId, pending }: CancelRequest): Promise<readonly ReleaseOutcome[]> {
    return this.change((state) => {
      if (pending) state.tombstones.set(attemptId, Date.now() + 3_600_000);
      return keys.map((key) => endGrants(state, key, ownerId, without(attemptId)));
    });
  }

  async revoke(keys: readonly string[]): Promise<number> {
    return this.change(({ leases }) => keys.filter((key) => leases.delete(key)).length);
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    const { leases } = this.read();
    return keys.map((key) => {
      const lease = leases.get(key);
      return lease ? { key, ownerId: lease.ownerId, fencingToken: lease.token, ttl: timeLeft(lease.expiresAt) } : null;
    });
  }

  async *list(match = '*'): AsyncGenerator<StoredLease> {
    const pattern = globToRegExp(match);
    const keys = [...this.read().leases.keys()].filter((key) => pattern.test(key));
    for (const lease of await this.inspect(keys)) if (lease) yield lease;
  }

  async close(): Promise<void> {}

  /** Compare and set: of all processes that have read a version, one creates the next; the others start again. */
  private change<T>(run: (state: State) => T): T {
    const versions = this.versions();
    const last = versions.at(-1) ?? 0;
    const state = this.read(last);
    const answer = run(state);
    const draft = this.file(`draft ${randomUUID()}`);
    writeFileSync(draft, serialize(state));
    try {
      linkSync(draft, this.file(last + 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return this.change(run);
    } finally {
      rmSync(draft);
    }
    // Old versions are removed in order. If `last` is gone, `last + 1` may have existed before, and this change is void.
    if (last > 0 && !existsSync(this.file(last))) throw new Error('The process was suspended during a change.');
    for (const old of versions.slice(0, -20)) rmSync(this.file(old), { force: true });
    return answer;
  }

  private read(version = this.versions().at(-1) ?? 0): State {
    if (version === 0) return { leases: new Map(), tombstones: new Map(), lastToken: 0 };
    const state = deserialize(readFileSync(this.file(version))) as State;
    for (const [key, { expiresAt }] of state.leases) if (expiresAt <= Date.now()) state.leases.delete(key);
    for (const [id, end] of state.tombstones) if (end <= Date.now()) state.tombstones.delete(id);
    return state;
  }

  private versions(): number[] {
    const names = readdirSync(this.options.folder).map(Number);
    return names.filter(Number.isInteger).sort((a, b) => a - b);
  }

  private file = (name: string | number): string => `${this.options.folder}/${name}`;
}

const timeLeft = (end = 0) => (end === Infinity ? null : Math.max(0, end - Date.now()));
const until = (lease: Lease, ttl: number | null) => Math.max(lease.expiresAt, Date.now() + (ttl ?? Infinity));
const without = (attemptId: string) => (ids: string[]) => ids.filter((id) => id !== attemptId);

/** Keeps the grants that `left` returns; frees the key if none is left. */
function endGrants({ leases }: State, key: string, ownerId: string, left: Left, keepFor?: number): ReleaseOutcome {
  const lease = leases.get(key);
  if (lease?.ownerId !== ownerId) return 'gone';
  lease.attempts = left(lease.attempts);
  if (lease.attempts.length > 0) return 'kept';
  if (keepFor === undefined) leases.delete(key);
  else lease.expiresAt = Date.now() + keepFor;
  return 'freed';
}

function globToRegExp(glob: string): RegExp {
  const quote = (part: string) => (part === '*' ? '[^]*' : part === '?' ? '[^]' : part.slice(-1).replace(/\W/, '\\$&'));
  return new RegExp(`^${glob.replace(/\\[^]|\[[^\]]+\]|[^]/g, (part) => (part.length > 2 ? part : quote(part)))}$`);
}
