import './suspension.js';
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IdempotencyService, LockingModule, LockingService } from 'nestjs-locking';
import { now } from '../clock.js';
import { Appender } from '../history/append.js';
import type { WorkerRecord } from '../history/records.js';
import { WriteClient } from '../write-store/client.js';
import { ElectionContest } from './election/main.js';
import { Holder } from './holder.js';
import type { Notice, Order, WorkerSetup } from './orders.js';
import { standStill, watchLags } from './pause.js';
import { providerClass } from './providers.js';
import { RecordContest } from './record-contest.js';
import { Task } from './task.js';

/** One application process of the contest. It ends with the conductor. */
process.on('disconnect', () => process.exit(4));
// The conductor handles Ctrl-C.
process.on('SIGINT', () => undefined);

const setup = JSON.parse(process.argv[2] ?? '') as WorkerSetup;
const history = new Appender<WorkerRecord>(setup.historyFile);
history.add({ e: 'start', t: now(), pid: process.pid });

@Module({})
class Application {}

const { kind, options } = setup.provider;
const application = await NestFactory.createApplicationContext(
  {
    module: Application,
    imports: [
      LockingModule.forRoot({
        providers: [{ resolve: providerClass(kind), options: { expire: `${setup.lease}ms`, ...options } as never }],
      }),
    ],
  },
  { logger: ['error', 'warn'] },
);
const locking = application.get(LockingService);
const writes = new WriteClient(setup.writePort, setup.name);
const lags = watchLags(history);
const holder = new Holder(history, writes);
const tasks = Array.from({ length: setup.tasks }, (_, index) => new Task(setup, index, locking, history, holder));
const election = await ElectionContest.start(setup, history, writes);
const records = setup.keepsRecords
  ? new RecordContest(setup, application.get(IdempotencyService), locking, history)
  : undefined;
const running = Promise.all(tasks.map(async (task) => task.run()));

process.on('message', (order: Order) => {
  if (order.do === 'stop') void stop();
  else if (order.do === 'close') void close();
  else if (order.inside) holder.pauseNext(order);
  else standStill(order, history);
});
tell('ready');

async function stop(): Promise<void> {
  for (const task of tasks) task.stop();
  await Promise.all([running, election.stop(), records?.stop()]);
  tell('stopped');
}

async function close(): Promise<void> {
  await application.close();
  clearInterval(lags);
  writes.close();
  history.close();
  // The process ends by itself, unless something is left in its event loop.
  process.removeAllListeners('disconnect');
  process.disconnect();
}

function tell(notice: Notice): void {
  process.send?.(notice);
}
