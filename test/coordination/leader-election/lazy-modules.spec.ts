import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef, ModulesContainer } from '@nestjs/core';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  InMemoryLockingProvider,
  LockConfigurationError,
  LockingModule,
  MemoryLockStore,
  OnFollower,
  OnLeader,
  type LeaderTerm,
} from '../../../lib/index.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { leaderOf, said, short, useInstances, type Instance } from './support.js';

const start = useInstances();

const request = new AsyncLocalStorage<string>();

abstract class Base {
  readonly told: string[] = [];

  @Inject('name') readonly name!: string;

  @OnLeader('e')
  async lead({ fencingToken, signal }: LeaderTerm): Promise<void> {
    this.told.push(`${this.name} leads ${fencingToken}, request ${request.getStore() ?? '-'}`);
    await eventually(() => signal.aborted);
    this.told.push('ended');
  }
}

@Injectable()
class Relay extends Base {
  @OnFollower('e')
  follow(term: LeaderTerm | undefined): void {
    this.told.push(`follows ${term?.fencingToken ?? '-'}`);
  }
}

/** A lazily loaded module with these providers. */
function lazy(name: string, ...providers: NonNullable<ModuleMetadata['providers']>): DynamicModule {
  @Module({})
  class LazyModule {}

  return { module: LazyModule, providers: [{ provide: 'name', useValue: name }, ...providers] };
}

async function load({ app }: Instance, module: DynamicModule): Promise<ModuleRef> {
  return request.run('of the first user', async () => app.get(LazyModuleLoader).load(() => module));
}

const open = async (store = new MemoryLockStore()): Promise<Instance> =>
  start({
    imports: [
      LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] }),
      LockingModule.forFeature({ leaders: [short()] }),
    ],
  });

describe('@OnLeader and @OnFollower in a lazily loaded module', () => {
  it('handlers of a lazily loaded module are called at once on the leader, and at every later change', async () => {
    const instance = await open();
    await leaderOf([instance]);
    const first = instance.election().fencingToken!;
    const aliases = [
      { provide: 'alias', useExisting: Relay },
      { provide: 'made', useFactory: (it: Relay) => it, inject: [Relay] },
    ];
    const relay = (await load(instance, lazy('lazy', Relay, ...aliases))).get(Relay);
    await eventually(() => relay.told.length > 0);
    expect(relay.told).toEqual([`lazy leads ${first}, request -`]);

    await instance.election().resign();
    await leaderOf([instance]);
    await eventually(() => relay.told.length > 3);
    expect(relay.told.slice(1)).toEqual([
      `follows ${first}`,
      'ended',
      `lazy leads ${instance.election().fencingToken!}, request -`,
    ]);
  });

  it('handlers of a lazily loaded module are called at once on a follower, and when it becomes leader', async () => {
    const store = new MemoryLockStore();
    const leader = await open(store);
    await leaderOf([leader]);
    const follower = await open(store);
    const relay = (await load(follower, lazy('lazy', Relay))).get(Relay);
    await eventually(() => relay.told.length > 0);
    expect(relay.told).toEqual(['follows -']);
    await leader.app.close();
    await leaderOf([follower]);
    await eventually(() => relay.told.length > 1);
    expect(relay.told.slice(1)).toEqual([`lazy leads ${follower.election().fencingToken!}, request -`]);
  });

  it('handlers of a lazily loaded module end at shutdown like others', async () => {
    const instance = await open();
    await leaderOf([instance]);
    const relay = (await load(instance, lazy('lazy', Relay))).get(Relay);
    await eventually(() => relay.told.length > 0);
    await instance.app.close();
    expect(relay.told).toContain('ended');
  });

  it('a lazily loaded module is refused if no election has the name of its handlers', async () => {
    @Injectable()
    class Unknown {
      @OnLeader('other')
      lead(): void {
        throw new Error('called');
      }
    }
    const instance = await open();
    const error = await rejectionOf(load(instance, lazy('lazy', Unknown)));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('@OnLeader("other") on Unknown.lead: there is no leader election "other"');
  });

  it('handlers of a module that fails to load are not called, and those of the next one are', async () => {
    const instance = await open();
    await leaderOf([instance]);
    const made: Relay[] = [];
    const connection = deferred();
    const failing = lazy('failing', Relay, {
      provide: 'connection',
      inject: [Relay],
      useFactory: async (relay: Relay) => {
        made.push(relay);
        return connection.promise;
      },
    });
    const loading = rejectionOf(load(instance, failing));
    await eventually(() => made[0]?.told.length === 1);
    connection.reject(new Error('no connection'));
    expect((await loading).message).toBe('no connection');
    // Older versions of Nest keep a module that failed, and count it as loaded.
    const isKept = [...instance.app.get(ModulesContainer).values()].some(({ metatype }) => metatype === failing.module);

    const relay = (await load(instance, lazy('lazy', Relay))).get(Relay);
    await eventually(() => relay.told.length === 1);
    await instance.election().resign();
    await leaderOf([instance]);
    await eventually(() => relay.told.length > 3);
    expect(made[0]!.told.filter((what) => what.includes('leads'))).toHaveLength(isKept ? 2 : 1);
  });

  it('handlers of a lazily loaded module without a single instance cause one warning', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class OfRequest extends Base {}
    const instance = await open();
    await leaderOf([instance]);
    const module = await load(instance, lazy('lazy', OfRequest));
    for (let round = 0; round < 3; round += 1) {
      const { told } = await module.resolve(OfRequest, ContextIdFactory.create());
      expect(told).toEqual([]);
    }
    expect(said(instance, 'warn')).toEqual([
      '@OnLeader("e") on OfRequest.lead is never called: its class is request-scoped or transient, so that there is no instance to call it on. Move the method to a provider of default scope',
    ]);
  });

  it('handlers are not called on an object that is no provider', async () => {
    const instance = await open();
    await leaderOf([instance]);
    const module = await load(instance, lazy('lazy', Relay));
    const created = await module.create(Relay);
    const relay = module.get(Relay);
    await eventually(() => relay.told.length > 0);
    expect(created.name).toBe('lazy');
    expect(created.told).toEqual([]);
  });
});

it('an application with @OnLeader methods does not start without the LockingModule', async () => {
  const error = await rejectionOf(start({ providers: [Relay, { provide: 'name', useValue: 'n' }] }));
  expect(error.message).toContain('import LockingModule.forRoot() into the root module');
});
