import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { of } from 'rxjs';
import {
  InMemoryLockingProvider,
  isLockConfigurationError,
  isLockKeyError,
  LockingModule,
  LockingService,
  Singleton,
} from '../../../lib/index.js';
import { rejection, Stage, thrown, useApps, useLockingApps } from '../../support/nest-apps.js';

@Injectable()
class Reports {
  readonly stage = new Stage();
  runs = 0;

  constructor(readonly locking: LockingService) {}

  @Singleton('report:<0>', { join: true })
  async build(year: number): Promise<string | undefined> {
    this.runs += 1;
    await this.stage.enter('build');
    return `${year}: ${this.locking.current()?.keys.join()}`;
  }

  @Cron('0 3 * * *', { disabled: true })
  @Singleton((scope: { tenant: string }) => `clean:${scope.tenant}`)
  async clean(scope: { tenant: string }): Promise<string | undefined> {
    await this.stage.enter(scope.tenant);
    return 'cleaned';
  }

  @Singleton('stream')
  async stream(): Promise<unknown> {
    return Promise.resolve(of(1));
  }
}

describe('@Singleton', () => {
  const start = useLockingApps();
  const startApp = useApps();
  const reports = async (): Promise<Reports> => (await start({ providers: [Reports] })).get(Reports);

  it('@Singleton runs a method once per key, for all calls that join', async () => {
    const service = await reports();
    const both = [service.build(2026), service.build(2026)];
    const joined = service.locking.singleton('report:2026', () => 'other', { join: true, provider: 'lp_in-memory' });
    await service.stage.entered('build');
    service.stage.leave('build');
    const report = '2026: report:2026';
    expect(await Promise.all([...both, joined])).toEqual([report, report, report]);
    expect(service.runs).toBe(1);
  });

  it('@Singleton without join skips other calls, per key, and keeps the metadata of the method', async () => {
    const service = await reports();
    const [one, two] = [service.clean({ tenant: 'one' }), service.clean({ tenant: 'two' })];
    await Promise.all([service.stage.entered('one'), service.stage.entered('two')]);
    expect(await service.clean({ tenant: 'one' })).toBeUndefined();
    service.stage.leave('one');
    service.stage.leave('two');
    expect(await Promise.all([one, two])).toEqual(['cleaned', 'cleaned']);
    // eslint-disable-next-line @typescript-eslint/unbound-method -- its marks and name only
    const { clean } = Reports.prototype;
    expect(clean.name).toBe('clean');
    expect(Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', clean)).toMatchObject({ cronTime: '0 3 * * *' });
  });

  it('@Singleton does not join a run of the same key on another provider', async () => {
    const providers = [
      { resolve: InMemoryLockingProvider, is_default: true },
      { resolve: InMemoryLockingProvider, id: 'other' },
    ];
    const app = await startApp({ imports: [LockingModule.forRoot({ providers })], providers: [Reports] });
    const service = app.get(Reports);
    const running = service.build(2026);
    await service.stage.entered('build');
    expect(await service.locking.provider('other').singleton('report:2026', () => 'other', { join: true })).toBe(
      'other',
    );
    service.stage.leave('build');
    await running;
  });

  it('@Singleton refuses an Observable, which would run unlocked', async () => {
    expect(isLockConfigurationError(await rejection((await reports()).stream()))).toBe(true);
  });

  it('@Singleton is refused at decoration where it cannot work', async () => {
    const descriptor = { value: async () => Promise.resolve() };
    const decorate = (key: string, options?: object) => {
      Singleton(key, options)({}, 'method', descriptor as never);
    };
    expect(
      isLockKeyError(
        thrown(() => {
          decorate('report:<0');
        }),
      ),
    ).toBe(true);
    expect(isLockConfigurationError(thrown(() => decorate('report', { timeout: 1 })))).toBe(true);
    const onStatic = thrown(() => {
      Singleton('report')(Reports, 'static', descriptor as never);
    });
    expect((onStatic as Error).message).toContain('@Singleton on static: only methods of instances');
    const outside = Object.create(Reports.prototype) as Reports;
    expect(String(await rejection(outside.build(1)))).toContain(
      'A method with @Singleton was called on an instance of',
    );
  });
});
