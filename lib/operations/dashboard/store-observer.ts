import { instanceOf } from '../../coordination/leader-election/leader-keys.js';
import { storedHolderOf } from '../../engine/hold/lease-view.js';
import type { LockInfo } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import type { RecordService } from '../../records/record.service.js';
import { CallTimes } from './call-times.js';
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

/** The last look at a key. */
interface SeenKey {
  info: LockInfo | undefined;
  /** Since when the present grant stands, by its token, or at the earliest by the look before it was seen. */
  since: number | null;
  readonly grants: SeenGrant[];
  /** Since when each process has been seen to wait. */
  waits: Map<string, number>;
}

/** Looks at one store, and remembers the last minutes. */
export class StoreObserver {
  private readonly keys = new Map<string, SeenKey>();
  private samples: Sample[] = [];
  private rows: LockRow[] = [];
  private plain: LockRow[] = [];
  private ticks: LockRow[] = [];
  private leaders: LeaderRow[] = [];
  private readonly times: CallTimes;
  private lookedAt = 0;
  private records: RecordRow[] | null = null;
  private failure: string | null = null;
  private looking?: Promise<void>;

  constructor(
    private readonly locking: LockingService,
    private readonly recordService: RecordService,
    private readonly provider: string,
  ) {
    this.times = new CallTimes(locking.originOf({ provider }), isOwn);
  }

  /** A page is open from now on. */
  start(): void {
    this.times.start(Date.now());
  }

  /** No page is open any more: nothing costs anything until there is one again. */
  stop(): void {
    this.times.stop();
  }

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
    const { plain } = this;
    const matching = text === '' ? plain : plain.filter((row) => matches(row, text));
    const seen = key === undefined ? undefined : this.keys.get(key);
    return {
      failure: this.failure,
      samples: this.samples,
      held: plain.length,
      matching: matching.length,
      locks: matching.slice(0, MOST_ROWS),
      leaders: this.leaders,
      ticks: this.ticks,
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
      seen.since = null;
      seen.waits = new Map();
    }
    this.rows = found.map((info) => this.noteLock(info, now)).sort(byInterest);
    this.lookedAt = now;
    this.forgetOldest();
    this.plain = this.rows.filter(({ key }) => !isOwn(key));
    this.ticks = this.rows.filter(({ key }) => isTick(key)).slice(0, MOST_ROWS);
    this.leaders = leadersAmong(this.rows).slice(0, MOST_ROWS);
    const { plain } = this;
    this.samples.push({
      at: now,
      held: plain.length,
      waiting: plain.reduce((sum, { waiters }) => sum + waiters, 0),
      longestHold: plain.reduce((longest, { heldFor }) => Math.max(longest, heldFor ?? 0), 0),
      longestWait: plain.reduce((longest, { queue }) => Math.max(longest, ...queue.map(({ waits }) => waits)), 0),
      ...this.times.read(now),
    });
    this.samples = this.samples.filter(({ at }) => at > now - HISTORY);
  }

  private noteLock(info: LockInfo, now: number): LockRow {
    const { key, ownerId, instanceId, label, fencingToken } = info;
    let seen = this.keys.get(key);
    if (!seen) this.keys.set(key, (seen = { info: undefined, since: null, grants: [], waits: new Map() }));
    if (seen.info?.fencingToken !== fencingToken || seen.info.ownerId !== ownerId) {
      const granted = grantedAt(fencingToken, now);
      // The token of a lease that is handed on within a process is hardly younger than its first one.
      seen.since = granted !== null && seen.info ? Math.max(granted, this.lookedAt) : granted;
      endGrant(seen, now);
      const from = seen.since ?? now;
      seen.grants.push({ ownerId, instanceId, label, fencingToken, from, until: null });
      if (seen.grants.length > MOST_GRANTS) seen.grants.shift();
    }
    seen.info = info;
    const before = seen.waits;
    seen.waits = new Map(info.queue.map(({ processId }) => [processId, before.get(processId) ?? now]));
    const { since } = seen;
    return {
      ...info,
      lease: storedHolderOf(info) ?? null,
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

/** The leader of each election, and how many instances take part in it. */
function leadersAmong(rows: readonly LockRow[]): LeaderRow[] {
  const instances = new Map<string, number>();
  const found: LockRow[] = [];
  for (const row of rows) {
    if (!row.key.startsWith(LEADER)) continue;
    const name = row.key.slice(LEADER.length);
    const at = name.indexOf(':');
    if (at < 0) found.push(row);
    else if (name.startsWith(':instance:', at)) {
      const election = name.slice(0, at);
      instances.set(election, (instances.get(election) ?? 0) + 1);
    }
  }
  return found.map(({ key, ownerId, fencingToken, ttl }) => ({
    name: unescapeName(key.slice(LEADER.length)),
    instanceId: instanceOf(ownerId),
    fencingToken,
    ttl,
    instances: instances.get(key.slice(LEADER.length)) ?? 0,
  }));
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
