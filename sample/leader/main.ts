import { Inject, Injectable, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  InjectLeaderElection,
  InMemoryLockingProvider,
  LockingModule,
  MemoryLockStore,
  OnLeader,
  type LeaderElection,
  type LeaderTerm,
} from 'nestjs-locking';
import { setTimeout as delay } from 'node:timers/promises';
import 'reflect-metadata';

/** Stands for the Redis that real instances share: use `RedisLockingProvider` there. */
const store = new MemoryLockStore();

@Injectable()
class MessageRelay {
  constructor(
    @InjectLeaderElection('relay') readonly election: LeaderElection,
    @Inject('INSTANCE') private readonly instance: string,
  ) {}

  @OnLeader('relay')
  async relay({ signal, fencingToken }: LeaderTerm): Promise<void> {
    console.log(`instance ${this.instance} leads, with the token ${fencingToken}`);
    while (!signal.aborted) await delay(500, undefined, { signal }).catch(() => undefined); // relay a batch
    console.log(`instance ${this.instance} stops`);
  }
}

@Module({})
class AppModule {
  static for(instance: string): DynamicModule {
    const leader = { name: 'relay', instanceId: instance, heartbeatInterval: '1s', leaderTimeout: '3s' } as const;
    return {
      module: AppModule,
      imports: [
        LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] }),
        LockingModule.forFeature({ leaders: [leader] }),
      ],
      providers: [MessageRelay, { provide: 'INSTANCE', useValue: instance }],
    };
  }
}

const start = async (instance: string): Promise<INestApplicationContext> =>
  NestFactory.createApplicationContext(AppModule.for(instance), { logger: ['warn', 'error'] });

const instances = await Promise.all(['A', 'B', 'C'].map(start));
// Each instance that leads is stopped: the next one takes over at once.
while (instances.length > 0) {
  await delay(1500);
  const index = instances.findIndex((instance) => instance.get(MessageRelay).election.isLeader());
  if (index >= 0) await instances.splice(index, 1)[0]?.close();
}
