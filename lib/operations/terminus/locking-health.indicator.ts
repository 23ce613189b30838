import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult, type HealthIndicatorStatus } from '@nestjs/terminus';
import { parseDuration } from '../../engine/options/duration.js';
import type { LockEngine } from '../../engine/lock-engine.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { Duration } from '../../interfaces/index.js';
import { findLocking } from '../find-locking.js';
import { examineStore } from '../examination/examine-store.js';
import { probeStore } from '../probe-store.js';
import { assertOptions } from '../read-options.js';
import { noKey, noProviders } from './terminus.messages.js';

/** Options of `LockingHealthIndicator.isHealthy`. */
export interface LockingHealthOptions {
  /**
   * How long the check waits for the answer of a store. A number is seconds.
   *
   * @defaultValue '1s'
   */
  timeout?: Duration | undefined;

  /**
   * How old a look at the server may be: its eviction policy, replicas, memory and clock. `false` for none. A number is
   * seconds.
   *
   * @defaultValue '10s'
   */
  examineEvery?: Duration | false | undefined;

  /**
   * The ids of the providers to check.
   *
   * @defaultValue all of them
   */
  providers?: readonly string[] | undefined;
}

/** Something that endangers locks although the store answers. Nothing in it tells where the store is. */
export interface HealthFinding {
  /** What it makes of the whole: `up` where something could not be looked at. */
  readonly status: 'up' | 'degraded' | 'down';

  /** The subject of the check: `eviction`, `memory`, `persistence`, `replication`, `role`, `clock`, `nodes` or `server`. */
  readonly subject: string;

  /** The finding: one sentence. `npx nestjs-locking doctor` says the same, and what to do. */
  readonly message: string;
}

/** What the check has found about one provider. Nothing in it tells where its store is. */
export interface ProviderHealth {
  /** Whether its store answers. */
  readonly store: 'up' | 'down';

  /** How long the answer took, or was waited for, in milliseconds. */
  readonly responseTime: number;

  /** Why the store is down: `no answer`, `shutdown`, `failed`, or the code of an error, such as `ECONNREFUSED`. */
  readonly reason?: string;

  /** Whether the store tells this process of grants; `unused` before the first wait, `none` for a store without queues. */
  readonly wakeUps: 'working' | 'interrupted' | 'unused' | 'none';

  /** What endangers locks; empty where nothing does, absent where the server was not looked at, or not in time. */
  readonly findings?: readonly HealthFinding[];
}

/** What the answer of the check says beside its status. */
// An interface would not be assignable to what terminus takes.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type LockingHealth = {
  /** `true` where the locks are degraded and this terminus, one before 12.1, has no status for that: it is `up` then. */
  readonly degraded?: boolean;

  /** By their ids. */
  readonly providers: Readonly<Record<string, ProviderHealth>>;
};

type Answer<Key extends string> = HealthIndicatorResult<Key, HealthIndicatorStatus, LockingHealth>;

const NAMES = ['timeout', 'examineEvery', 'providers'];

/** What a version of terminus that has no `degraded` lacks. */
interface Session {
  up(data: object): unknown;
  down(data: object): unknown;
  degraded?(data: object): unknown;
}

/**
 * Whether the locks of this application work, for `@nestjs/terminus`: down where a store does not answer or takes no locks,
 * degraded where wake-ups are interrupted or the server is in a state that endangers locks. Name it among the
 * `providers` of a module that imports `TerminusModule`.
 *
 * @example
 * \@Get('health')
 * \@HealthCheck()
 * check() {
 *   return this.health.check([async () => this.locks.isHealthy('locks')]);
 * }
 */
@Injectable()
export class LockingHealthIndicator {
  readonly #health: HealthIndicatorService;
  readonly #moduleRef: ModuleRef;

  /** @internal */
  constructor(@Inject(HealthIndicatorService) health: HealthIndicatorService, @Inject(ModuleRef) moduleRef: ModuleRef) {
    this.#health = health;
    this.#moduleRef = moduleRef;
  }

  /**
   * Asks the stores, all at once and in bounded time: one small command for each, and three more every ten seconds. Checks at
   * the same moment share them.
   *
   * @param key - under which the answer stands
   * @throws LockConfigurationError for options that cannot work, an unknown provider, or an application without locks
   */
  async isHealthy<const Key extends string>(key: Key, options: LockingHealthOptions = {}): Promise<Answer<Key>> {
    if (typeof (key as unknown) !== 'string' || (key as string) === '') throw new LockConfigurationError(noKey());
    assertOptions('LockingHealthIndicator', options, NAMES, "{ timeout: '2s' }");
    const timeout = parseDuration(options.timeout ?? '1s', 'LockingHealthIndicator: timeout', {
      bareUnit: 's',
      minimum: 1,
    });
    const { examineEvery = '10s' } = options;
    const maxAge =
      examineEvery === false
        ? undefined
        : parseDuration(examineEvery, 'LockingHealthIndicator: examineEvery', { bareUnit: 's', minimum: 1 });
    const engines = this.enginesOf(options.providers);
    const found = await Promise.all(
      engines.map(async ({ id, engine }) => [id, await healthOf(engine, timeout, maxAge)] as const),
    );
    return this.answer(key, Object.fromEntries(found));
  }

  private enginesOf(
    ids: readonly string[] | undefined,
  ): readonly { readonly id: string; readonly engine: LockEngine }[] {
    const { registry } = findLocking(this.#moduleRef, 'LockingHealthIndicator');
    if (ids === undefined) return registry.engines();
    if (!Array.isArray(ids) || ids.length === 0) throw new LockConfigurationError(noProviders());
    return (ids as readonly string[]).map((id) => ({ id: registry.resolveId(id), engine: registry.engine(id) }));
  }

  private answer<Key extends string>(key: Key, providers: Record<string, ProviderHealth>): Answer<Key> {
    const session = this.#health.check(key) as Session;
    const all = Object.values(providers);
    const statuses = all.map(statusOf);
    const answer = (): unknown => {
      if (statuses.includes('down')) return session.down({ providers });
      if (!statuses.includes('degraded')) return session.up({ providers });
      return session.degraded ? session.degraded({ providers }) : session.up({ degraded: true, providers });
    };
    return answer() as Answer<Key>;
  }
}

/** @param maxAge - of a look at the server, in milliseconds; without it there is none */
async function healthOf(engine: LockEngine, timeout: number, maxAge: number | undefined): Promise<ProviderHealth> {
  const [{ reachable, milliseconds: responseTime, reason }, found] = await Promise.all([
    probeStore(engine, timeout),
    maxAge === undefined ? undefined : examineStore(engine, timeout, maxAge),
  ]);
  const { wakeUps } = engine;
  if (!reachable) return { store: 'down', responseTime, reason: reason ?? 'failed', wakeUps };
  const findings = found?.map(({ health = 'up', subject, message }) => ({ status: health, subject, message }));
  return { store: 'up', responseTime, wakeUps, ...(findings && { findings }) };
}

function statusOf({ store, wakeUps, findings = [] }: ProviderHealth): HealthIndicatorStatus | 'degraded' {
  if (store === 'down' || findings.some(({ status }) => status === 'down')) return 'down';
  return wakeUps === 'interrupted' || findings.some(({ status }) => status === 'degraded') ? 'degraded' : 'up';
}
