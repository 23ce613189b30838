// @ts-check
/**
 * One application process with a job on every second, whose clock is wrong by SKEW milliseconds. It records each run in
 * Redis, under its tick. After the order `hold` it stays in its next run, or in that of a given tick, until its parent
 * or the loss of the lock ends the run.
 */
const skew = Number(process.env.SKEW ?? 0);
const MachineDate = Date;
// Replaced before other modules are loaded, which might keep the right one.
globalThis.Date = /** @type {DateConstructor} */ (
  class extends MachineDate {
    /** @param {any[]} args */
    constructor(...args) {
      // @ts-expect-error -- a Date takes what it takes
      super(...(args.length === 0 ? [MachineDate.now() + skew] : args));
    }

    static now() {
      return MachineDate.now() + skew;
    }
  }
);

await import('reflect-metadata');
const { Inject, Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { ScheduleModule } = await import('@nestjs/schedule');
const { Redis } = await import('ioredis');
const { LockingModule, LockingService, RedisLockingProvider } = await import('nestjs-locking');
const { currentTick, LockedCron } = await import('nestjs-locking/schedule');

const redisUrl = process.env.REDIS_URL ?? '';
const redis = new Redis(redisUrl);

/** @param {object} message */
const report = (message) => process.send?.(message);

const LOCKING = Symbol('locking');
/** @type {{ tick?: string } | undefined} */
let hold;

class Jobs {
  async everySecond() {
    const tick = currentTick()?.toISOString();
    const lock = /** @type {any} */ (this)[LOCKING].current();
    const token = lock.fencingToken;
    await redis.rpush(`ran:${tick}`, JSON.stringify({ skew, token }));
    if (!hold || (hold.tick ?? tick) !== tick) return;
    hold = undefined;
    report({ inside: tick, token });
    await new Promise((resolve) => {
      process.once('message', resolve);
      const { signal } = lock;
      // The signal may have aborted already, as the process may have been frozen since its last report.
      if (signal.aborted) resolve(undefined);
      else signal.addEventListener('abort', resolve);
    });
    report({ outside: tick, aborted: lock.signal.aborted });
  }
}
// Applied by hand, as this file is not compiled.
const job = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(Jobs.prototype, 'everySecond'));
LockedCron('* * * * * *', { name: 'every-second', expire: '2s', clockSkew: '5s' })(Jobs.prototype, 'everySecond', job);
Object.defineProperty(Jobs.prototype, 'everySecond', job);
Inject(LockingService)(Jobs.prototype, LOCKING);

class App {}
Module({
  imports: [
    ScheduleModule.forRoot(),
    LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl } }] }),
  ],
  providers: [Jobs],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
process.on('message', (/** @type {{ do: string; tick?: string }} */ message) => {
  if (message.do === 'hold') hold = message;
  if (message.do !== 'close') return;
  void app.close().then(() => {
    redis.disconnect();
    process.disconnect();
  });
});
report({ ready: true });
