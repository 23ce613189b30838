import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LockedCron, LockedInterval } from '../../lib/coordination/schedule/index.js';
import {
  InMemoryLockingProvider,
  isLockTimeoutError,
  LeaderOnly,
  LockingModule,
  LockingService,
  Singleton,
  WithLock,
} from '../../lib/index.js';
import { rejection, Stage, useApps } from '../support/nest-apps.js';
import { eventually } from '../support/poll.js';

const due = new Date(Date.now() + 3_600_000);
const HOUR = 3_600_000;

@Injectable()
class Base {
  readonly ran: string[] = [];
  readonly stage = new Stage();

  constructor(readonly locking: LockingService) {}

  @LockedCron(due, { name: 'cron', disabled: true, clockSkew: '2h' })
  async cron(): Promise<string | undefined> {
    return this.note('base cron');
  }

  @LockedCron(due, { name: 'base name', disabled: true, clockSkew: '2h' })
  async renamed(): Promise<string | undefined> {
    return this.note('base renamed');
  }

  @LockedInterval('interval', HOUR)
  async interval(): Promise<string | undefined> {
    return this.note('base interval');
  }

  @Singleton('single')
  async single(): Promise<string | undefined> {
    return this.note('base single');
  }

  @Singleton('joined', { join: true })
  async joined(): Promise<string | undefined> {
    await this.stage.enter('joined');
    return this.note('base joined');
  }

  @Singleton('base key')
  async otherKey(): Promise<string | undefined> {
    return this.note('base otherKey');
  }

  @WithLock('with lock', { timeout: 0 })
  async withLock(): Promise<string> {
    return this.note('base withLock');
  }

  @LeaderOnly('election', { onFollower: () => 'follower' })
  async leaderOnly(): Promise<string> {
    return this.note('base leaderOnly');
  }

  protected async note(what: string): Promise<string> {
    this.ran.push(what);
    return Promise.resolve(`${what} under ${String(this.locking.current()?.keys.length ?? 0)}`);
  }
}

/** Calls `super` under the same decorator. */
@Injectable()
class Override extends Base {
  @LockedCron(due, { name: 'cron', disabled: true, clockSkew: '2h' })
  override async cron(): Promise<string | undefined> {
    return `own, ${await super.cron()}`;
  }

  @LockedCron(due, { name: 'own name', disabled: true, clockSkew: '2h' })
  override async renamed(): Promise<string | undefined> {
    return `own, ${await super.renamed()}`;
  }

  @LockedInterval('interval', HOUR)
  override async interval(): Promise<string | undefined> {
    return `own, ${await super.interval()}`;
  }

  @Singleton('single')
  override async single(): Promise<string | undefined> {
    return `own, ${await super.single()}`;
  }

  @Singleton('joined', { join: true })
  override async joined(): Promise<string | undefined> {
    return `own, ${await super.joined()}`;
  }

  @Singleton('own key')
  override async otherKey(): Promise<string | undefined> {
    return `own, ${await super.otherKey()}`;
  }

  @WithLock('with lock', { timeout: 0 })
  override async withLock(): Promise<string> {
    return `own, ${await super.withLock()}`;
  }

  @LeaderOnly('election', { onFollower: () => 'own follower' })
  override async leaderOnly(): Promise<string> {
    return `own, ${await super.leaderOnly()}`;
  }
}

/** Overrides the override, and calls itself again where it must not run twice. */
@Injectable()
class Third extends Override {
  @LockedCron(due, { name: 'cron', disabled: true, clockSkew: '2h' })
  override async cron(): Promise<string | undefined> {
    return `third, ${await super.cron()}, ${String(this.ran.length < 3 && (await this.cron()))}`;
  }

  @Singleton('single')
  override async single(): Promise<string | undefined> {
    return `third, ${await super.single()}, ${String(this.ran.length < 3 && (await this.single()))}`;
  }
}

describe('a decorated method that overrides another and calls super', () => {
  const start = useApps();
  let service: Override;

  const open = async (type: typeof Override): Promise<Override> => {
    const locks = LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider }] });
    const leaders = LockingModule.forFeature({ leaders: [{ name: 'election' }] });
    const app = await start({ imports: [ScheduleModule.forRoot(), locks, leaders], providers: [type] });
    return app.get(type);
  };

  beforeEach(async () => {
    service = await open(Override);
  });

  it('an override and super run in one tick: @LockedCron', async () => {
    expect(await service.cron()).toBe('own, base cron under 2');
    expect(service.ran).toEqual(['base cron']);
    expect(await service.cron()).toBeUndefined();
  });

  it('an override and super run in one tick, whatever the name of super: @LockedCron', async () => {
    expect(await service.renamed()).toBe('own, base renamed under 2');
  });

  it('an override and super run in one tick: @LockedInterval', async () => {
    expect(await service.interval()).toBe('own, base interval under 2');
    expect(service.ran).toEqual(['base interval']);
  });

  it('an override and super run as one: @Singleton', async () => {
    expect(await service.single()).toBe('own, base single under 1');
    expect(service.ran).toEqual(['base single']);
    expect(await service.locking.inspect('single')).toBeNull();
  });

  it('an override and super run as one for all calls that join: @Singleton', async () => {
    const both = [service.joined(), service.joined()];
    await service.stage.entered('joined');
    service.stage.leave('joined');
    expect(await Promise.all(both)).toEqual(Array(2).fill('own, base joined under 1'));
    expect(service.ran).toEqual(['base joined']);
  });

  it('an override acquires a further key if super has another: @Singleton', async () => {
    expect(await service.otherKey()).toBe('own, base otherKey under 1');
    const other = await service.locking.acquire('base key');
    expect(await service.otherKey()).toBe('own, undefined');
    await other.release();
  });

  it('super joins the lock of the override: @WithLock', async () => {
    expect(await service.withLock()).toBe('own, base withLock under 1');
    const other = await service.locking.acquire('with lock');
    expect(isLockTimeoutError(await rejection(service.withLock()))).toBe(true);
    await other.release();
  });

  it('an override and super run on the leader: @LeaderOnly', async () => {
    await eventually(async () => (await service.leaderOnly()) !== 'own follower');
    expect(await service.leaderOnly()).toBe('own, base leaderOnly under 0');
  });

  it('a method that calls itself does not run again: @LockedCron, @Singleton', async () => {
    const third = await open(Third);
    expect(await third.cron()).toBe('third, own, base cron under 2, undefined');
    expect(await third.single()).toBe('third, own, base single under 1, undefined');
    expect(third.ran).toEqual(['base cron', 'base single']);
  });
});
