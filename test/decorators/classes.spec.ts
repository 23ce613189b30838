/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { LockingService, WithLock } from '../../lib/index.js';
import { freed, isHeld, Stage, useLockingApps, waiting } from '../support/nest-apps.js';

const NAME = Symbol('name');
const NOTES = Symbol('notes');

@Injectable()
class Base {
  readonly stage = new Stage();
  protected readonly kinds = ['base', 'special'];

  @Inject(NAME)
  readonly name!: string;

  @WithLock('job:<0>')
  async run(_id: string, name: string): Promise<string> {
    await this.stage.enter(name);
    return `${this.constructor.name} ${name}`;
  }

  @WithLock('kind:<this.kind>')
  async ofKind(): Promise<string> {
    return this.keys();
  }

  @WithLock('base')
  async kept(): Promise<string> {
    return `base ${await this.keys()}`;
  }

  get kind(): string {
    return this.kinds[0]!;
  }

  @Inject(LockingService)
  protected readonly locking!: LockingService;

  protected async keys(): Promise<string> {
    return Promise.resolve(this.locking.current()?.keys.join() ?? 'no lock');
  }
}

/** A subclass without members of its own. */
@Injectable()
class Plain extends Base {}

/** Overrides methods with and without a lock, and calls the overridden ones. */
@Injectable()
class Special extends Base {
  override get kind(): string {
    return this.kinds[1]!;
  }

  @WithLock('special')
  override async kept(): Promise<string> {
    return `special ${await this.keys()}, ${await super.kept()}`;
  }

  override async run(_id: string, name: string): Promise<string> {
    return Promise.resolve(`unlocked ${name} ${await this.keys()}`);
  }

  async parentsRun(id: string, name: string): Promise<string> {
    return super.run(id, name);
  }
}

/** Has injected properties and parameters of its own, and further locked methods. */
@Injectable()
class Rich extends Base {
  @Optional()
  @Inject('missing')
  readonly missing?: string;

  @Inject(NOTES)
  readonly notes!: string[];

  constructor(readonly plain: Plain) {
    super();
  }

  @WithLock('rich:<0>')
  async first(_id: string): Promise<string> {
    return this.keys();
  }

  @WithLock('rich:second:<this.name>')
  async second(): Promise<string> {
    return this.keys();
  }
}

describe('@WithLock: classes', () => {
  const startApp = useLockingApps();
  const providers = [
    Base,
    Plain,
    Special,
    Rich,
    { provide: NAME, useValue: 'ada' },
    { provide: NOTES, useValue: ['a note'] },
  ];

  it('an inherited method has the same lock as that of the base class', async () => {
    const app = await startApp({ providers });
    const [base, plain] = [app.get(Base), app.get(Plain)];

    const first = base.run('1', 'first');
    await base.stage.entered('first');
    const second = plain.run('1', 'second');
    await waiting(app, 'job:1');
    expect(plain.stage.inside).toEqual([]);

    base.stage.leave('first');
    await plain.stage.entered('second');
    plain.stage.leave('second');
    expect(await Promise.all([first, second])).toEqual(['Base first', 'Plain second']);
    await freed(app, 'job:1');
  });

  it('a placeholder of "this" reads the instance of the subclass', async () => {
    const app = await startApp({ providers });
    expect(await app.get(Base).ofKind()).toBe('kind:base');
    expect(await app.get(Special).ofKind()).toBe('kind:special');
  });

  it('a subclass may override with another lock, and call the method of its parent under both', async () => {
    const app = await startApp({ providers });
    expect(await app.get(Special).kept()).toBe('special special, base base');
    expect(await app.get(Base).kept()).toBe('base base');
  });

  it('an override without @WithLock is not locked; the method of the parent stays locked', async () => {
    const app = await startApp({ providers });
    const special = app.get(Special);
    expect(await special.run('1', 'x')).toBe('unlocked x no lock');

    const call = special.parentsRun('1', 'y');
    await special.stage.entered('y');
    expect(await isHeld(app, 'job:1')).toBe(true);
    special.stage.leave('y');
    expect(await call).toBe('Special y');
  });

  it('@WithLock does not change constructor parameters and injected properties, inherited ones included', async () => {
    const app = await startApp({ providers });
    const rich = app.get(Rich);
    expect(rich.plain).toBe(app.get(Plain));
    expect(rich.name).toBe('ada');
    expect(rich.notes).toEqual(['a note']);
    expect(rich.missing).toBeUndefined();
    expect(app.get(Base).name).toBe('ada');
  });

  it('several methods of a class are locked, each by its own key', async () => {
    const app = await startApp({ providers });
    const rich = app.get(Rich);
    expect(await Promise.all([rich.first('1'), rich.first('2'), rich.second(), rich.kept()])).toEqual([
      'rich:1',
      'rich:2',
      'rich:second:ada',
      'base base',
    ]);
  });

  it('several @WithLock on one method lock from top to bottom', async () => {
    @Injectable()
    class Transfer {
      readonly stage = new Stage();
      constructor(private readonly locking: LockingService) {}

      @WithLock('from:<0>')
      @WithLock('to:<1>')
      async run(_from: string, _to: string, name: string): Promise<readonly string[] | undefined> {
        await this.stage.enter(name);
        return this.locking.current()?.keys;
      }
    }
    const app = await startApp({ providers: [Transfer] });
    const transfer = app.get(Transfer);
    const first = transfer.run('a', 'b', 'first');
    await transfer.stage.entered('first');
    const second = transfer.run('c', 'b', 'second');
    await waiting(app, 'to:b');
    expect([await isHeld(app, 'from:a'), await isHeld(app, 'to:b'), await isHeld(app, 'from:c')]).toEqual([
      true,
      true,
      true,
    ]);
    const third = transfer.run('a', 'd', 'third');
    await waiting(app, 'from:a');
    expect(await isHeld(app, 'to:d')).toBe(false);

    transfer.stage.leave('first');
    await transfer.stage.entered('second');
    await transfer.stage.entered('third');
    transfer.stage.leave('second');
    transfer.stage.leave('third');
    expect(await Promise.all([first, second, third])).toEqual([['to:b'], ['to:b'], ['to:d']]);
  });

  it('@WithLock adds nothing to an instance for JSON, its keys and structuredClone', async () => {
    @Injectable()
    class Counter {
      count = 1;

      @WithLock('count')
      async add(): Promise<void> {
        this.count += 1;
        return Promise.resolve();
      }
    }
    const app = await startApp({ providers: [Counter] });
    const counter = app.get(Counter);
    await counter.add();
    // injected, or else this test shows nothing
    expect(Reflect.ownKeys(counter).filter((key) => typeof key === 'symbol')).toHaveLength(1);
    expect(JSON.stringify(counter)).toBe('{"count":2}');
    expect(Object.keys(counter)).toEqual(['count']);
    expect(structuredClone(counter)).toEqual({ count: 2 });
  });
});
