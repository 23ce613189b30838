// @ts-check
/** A process that acquires one lock of a quorum again and again, and counts its grants in Redis. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { LockingModule, LockingService, RedisQuorumLockingProvider } from 'nestjs-locking';

const nodes = (process.env.QUORUM ?? '').split(',');
const hold = Number(process.env.HOLD);

class App {}
Module({
  imports: [
    LockingModule.forRoot({
      providers: [{ resolve: RedisQuorumLockingProvider, options: { nodes, nodeTimeout: '2s' } }],
    }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const locking = app.get(LockingService);
const counts = new Redis(nodes[0] ?? '');

let goesOn = true;

async function contend() {
  while (goesOn) {
    try {
      await locking.execute(
        'k',
        async () => {
          await Promise.all([delay(hold), counts.hincrby('grants', String(process.pid), 1)]);
        },
        { timeout: '20s' },
      );
    } catch {
      await counts.incr('failures');
    }
  }
}

process.on('message', async (/** @type {{ do: string }} */ message) => {
  if (message.do === 'contend') void contend();
  if (message.do !== 'close') return;
  goesOn = false;
  counts.disconnect();
  await app.close();
  process.disconnect();
});

process.send?.({ ready: true });
