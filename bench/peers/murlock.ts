import 'reflect-metadata';
import type { NestFactory as Factory } from '@nestjs/core';
import type { DynamicModule, Type } from '@nestjs/common';
import { acquireByRunning } from '../contenders/acquire-by-running.js';
import type { Contender } from '../contenders/contender.js';
import { requirePeer } from './location.js';

interface Package {
  MurLockModule: { forRoot(options: object): DynamicModule };
  MurLockService: Type<MurLockService>;
}

interface MurLockService {
  runWithLock(key: string, releaseTime: number, job: () => Promise<void>): Promise<void>;
}

/** MurLock has no default for this. */
const RELEASE_TIME = 30_000;

/** MurLock has no defaults for the first two: its README recommends these values. */
const OPTIONS = { wait: 1000, maxAttempts: 3, logLevel: 'error' };

/** A Nest application from the peers' own installation, as MurLock is a Nest package. */
export async function openMurlock(url: string): Promise<Contender> {
  const { MurLockModule, MurLockService } = requirePeer('murlock') as Package;
  const { NestFactory } = requirePeer('@nestjs/core') as { NestFactory: typeof Factory };
  const app = await NestFactory.createApplicationContext(MurLockModule.forRoot({ ...OPTIONS, redisOptions: { url } }), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  const service = app.get(MurLockService);
  const run: Contender['run'] = async (key, job) => service.runWithLock(key, RELEASE_TIME, job);
  return { run, acquire: async (key) => acquireByRunning(run, key), close: async () => app.close() };
}
