import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { InMemoryLockingProvider, LockingModule, MemoryLockStore } from 'nestjs-locking';
import { LockedCron } from 'nestjs-locking/schedule';
import 'reflect-metadata';

/** Stands for the Redis that real instances share: use `RedisLockingProvider` there. */
const store = new MemoryLockStore();
const runs: string[] = [];

@Injectable()
class Report {
  constructor(@Inject('INSTANCE') private readonly instance: string) {}

  @LockedCron('* * * * * *', { name: 'report' })
  async run(): Promise<void> {
    runs.push(this.instance);
    console.log(`${new Date().toISOString().slice(11, 19)}  instance ${this.instance} makes the report`);
    return Promise.resolve();
  }
}

@Module({})
class AppModule {
  static for(instance: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ScheduleModule.forRoot(),
        LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] }),
      ],
      providers: [Report, { provide: 'INSTANCE', useValue: instance }],
    };
  }
}

const SECONDS = 5;
const start = async (instance: string) =>
  NestFactory.createApplicationContext(AppModule.for(instance), { logger: ['warn', 'error'] });

const instances = await Promise.all(['A', 'B', 'C'].map(start));
await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
await Promise.all(instances.map(async (instance) => instance.close()));
console.log(`\nThree instances fired every second for ${SECONDS} s; the report was made ${runs.length} times.`);
