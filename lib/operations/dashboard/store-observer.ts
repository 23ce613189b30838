import { instanceOf } from '../../coordination/leader-election/leader-keys.js';
import type { LockInfo } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import type { RecordService } from '../../records/record.service.js';
import { lookFailed } from './dashboard.messages.js';
import type { LeaderRow, LockRow, RecordRow, Sample, SeenGrant, Selection } from './snapshot.interface.js';

/** How long samples go back, in milliseconds, and how many there are at most. */
const HISTORY = 5 * 60_000;

/** How many locks are looked at, how many of one kind a page shows, and of how many keys the last grants are kept. */
const MOST_LOCKS = 50_000;
const MOST_ROWS = 200;
const MOST_KEYS = 5000;
const MOST_GRANTS = 20;

/** The keys of elections, of scheduled jobs, and of all that the package itself locks. */
const LEADER = 'leader:';
const TICKS = ['cron:', 'interval:'];
const OWN = [LEADER, ...TICKS, 'idempotency:'];

/** What was seen of a key. */
interface SeenKey {
  info: LockInfo | undefined;
  readonly grants: SeenGrant[];
  /** Since when each process has been seen to wait. */
  waits: Map<string, number>;
}

/** Looks at one store, and remembers the last minutes. */
export class StoreObserver {
  private readonly keys = new Map<string, SeenKey>();
  private samples: Sample[] = [];
  private rows: LockRow[] = [];
  private records: RecordRow[] | null = null;
  private failure: string | null = null;
  private looking?: Promise<void>;

  constructor(
    private readonly locking: LockingService,
    private readonly recordService: RecordService,
    private readonly provider: string,
  ) {}

  /** One look; calls meanwhile share it. */
  async look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      delete this.looking;
    });
    return this.looking;
  }

  /** What a viewer is told of it. */
  show({ search, key }: Selection) {
    const text = search.toLowerCase();
    const plain = this.rows.filter(({ key: name }) => !isOwn(name));
    const matching = text === '' ? plain : plain.filter((row) => matches(row, text));
    const seen = key === undefined ? undefined : this.keys.get(key);
    return {
      failure: this.failure,
      samples: this.samples,
      held: plain.length,
      matching: matching.length,
      locks: matching.slice(0, MOST_ROWS),
      leaders: this.leaders().slice(0, MOST_ROWS),
      ticks: this.rows.filter(({ key: name }) => isTick(name)).slice(0, MOST_ROWS),
      records: this.records,
      key:
        key === undefined
          ? null
          : {
              name: key,
              lock: this.rows.find((row) => row.key === key) ?? null,
              grants: [...(seen?.grants ?? [])].reverse(),
            },
    };
  }

  private async lookOnce(): Promise<void> {
    try {
      const found: LockInfo[] = [];
      for await (const info of this.locking.list({ provider: this.provider })) {
        found.push(info);
        if (found.length >= MOST_LOCKS) break;
      }
      this.note(found, Date.now());
      this.records = await this.readRecords();
      this.failure = null;
    } catch (error) {
      this.failure = lookFailed(error);
    }
  }

  private note(found: readonly LockInfo[], now: number): void {
    const held = new Set(found.map(({ key }) => key));
    for (const [key, seen] of this.keys) {
      if (held.has(key) || !seen.info) continue;
      endGrant(seen, now);
      seen.info = undefined;
      seen.waits = new Map();
    }
    this.rows = found.map((info) => this.noteLock(info, now)).sort(byInterest);
    this.forgetOldest();
    const plain = this.rows.filter(({ key }) => !isOwn(key));
    this.samples.push({
      at: now,
      held: plain.length,
      waiting: plain.reduce((sum, { waiters }) => sum + waiters, 0),
      longestHold: plain.reduce((longest, { heldFor }) => Math.max(longest, heldFor ?? 0), 0),
      longestWait: plain.reduce((longest, { queue }) => Math.max(longest, ...queue.map(({ waits }) => waits)), 0),
    });
    this.samples = this.samples.filter(({ at }) => at > now - HISTORY);
  }

  private noteLock(info: LockInfo, now: number): LockRow {
    const { key, ownerId, instanceId, label, fencingToken } = info;
    let seen = this.keys.get(key);
    if (!seen) this.keys.set(key, (seen = { info: undefined, grants: [], waits: new Map() }));
    if (seen.info?.fencingToken !== fencingToken || seen.info.ownerId !== ownerId) {
      endGrant(seen, now);
      const from = grantedAt(fencingToken, now) ?? now;
      seen.grants.push({ ownerId, instanceId, label, fencingToken, from, until: null });
      if (seen.grants.length > MOST_GRANTS) seen.grants.shift();
    }
    seen.info = info;
    const before = seen.waits;
    seen.waits = new Map(info.queue.map(({ processId }) => [processId, before.get(processId) ?? now]));
    const since = grantedAt(fencingToken, now);
    return {
      ...info,
      heldFor: since === null ? null : now - since,
      queue: info.queue.map((one) => ({ ...one, waits: now - (seen.waits.get(one.processId) ?? now) })),
    };
  }

  /** Keys that are free now, those first that were seen first. */
  private forgetOldest(): void {
    for (const [key, { info }] of this.keys) {
      if (this.keys.size <= MOST_KEYS) return;
      if (!info) this.keys.delete(key);
    }
  }

  private leaders(): LeaderRow[] {
    const all = this.rows.filter(({ key }) => key.startsWith(LEADER));
    return all
      .filter(({ key }) => !key.slice(LEADER.length).includes(':'))
      .map(({ key, ownerId, fencingToken, ttl }) => ({
        name: unescapeName(key.slice(LEADER.length)),
        instanceId: instanceOf(ownerId),
        fencingToken,
        ttl,
        instances: all.filter((other) => other.key.startsWith(`${key}:instance:`)).length,
      }));
  }

  private async readRecords(): Promise<RecordRow[] | null> {
    const rows: RecordRow[] = [];
    try {
      for await (const { name, version, age } of this.recordService.list('', { provider: this.provider })) {
        rows.push({ name, version, age });
        if (rows.length >= MOST_ROWS) break;
      }
    } catch {
      return null;
    }
    return rows;
  }
}

function endGrant({ grants }: SeenKey, now: number): void {
  const last = grants.at(-1);
  if (last?.until === null) last.until = now;
}

/** A token is the time of its grant in µs, by the clock of the store, unless tokens ran ahead of it. */
function grantedAt(token: number | null, now: number): number | null {
  return token === null ? null : Math.min(now, Math.floor(token / 1000));
}

/** Those first that others wait for, then those that have been held for longest. */
function byInterest(one: LockRow, other: LockRow): number {
  return other.waiters - one.waiters || (other.heldFor ?? 0) - (one.heldFor ?? 0) || (one.key < other.key ? -1 : 1);
}

function matches({ key, ownerId, label, instanceId, queue }: LockRow, text: string): boolean {
  const texts = [key, ownerId, label, instanceId, ...queue.map((one) => one.instanceId)];
  return texts.some((one) => one?.toLowerCase().includes(text));
}

function isOwn(key: string): boolean {
  return OWN.some((prefix) => key.startsWith(prefix));
}

function isTick(key: string): boolean {
  return TICKS.some((prefix) => key.startsWith(prefix));
}

function unescapeName(name: string): string {
  return name.replace(/%(?:u([\dA-F]{4})|([\dA-F]{2}))/g, (_, long?: string, short?: string) => {
    return String.fromCharCode(parseInt(long ?? short ?? '', 16));
  });
}
