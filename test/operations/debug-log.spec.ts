import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, Module, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { lockingChannels, LockingModule, lockingOptionsFromEnv, LockingService } from '../../lib/index.js';
import { eventually } from '../support/poll.js';

/** Nest's own logger, which keeps its lines. */
class KeptLog extends ConsoleLogger {
  readonly lines: string[] = [];

  protected override printMessages(messages: unknown[], context = '', level: LogLevel = 'log'): void {
    if (context === 'Locks') this.lines.push(...messages.map((message) => `${level}: ${String(message)}`));
  }
}

@Module({})
class AppModule {}

describe('the debug log', () => {
  const running: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async (app) => app.close()));
    // Nest 11 keeps the levels of one application for the next.
    Logger.overrideLogger(['fatal', 'error', 'warn', 'log', 'debug', 'verbose']);
    Logger.overrideLogger(false);
  });

  const start = async (debugLog: boolean | undefined, logLevels?: LogLevel[]) => {
    const log = new KeptLog();
    const root = { module: AppModule, imports: [LockingModule.forRoot({ debugLog })] };
    const app = await NestFactory.createApplicationContext(root, {
      logger: logLevels ?? log,
      abortOnError: false,
    });
    running.push(app);
    return { log, locking: app.get(LockingService) };
  };

  const isListening = (): boolean => lockingChannels.acquire.hasSubscribers || lockingChannels.hold.hasSubscribers;

  it('each acquire, refusal, release and loss is one line, and no key forges another', async () => {
    const { log, locking } = await start(true);
    await locking.execute('order:42', () => undefined, { keyTemplate: 'order:<0>', label: 'pay' });
    const lock = await locking.acquire('a\nb');
    await locking.tryAcquire('a\nb', { reentrant: false });
    await locking.forceRelease('a\nb');
    expect(lock.held).toBe(false);
    await eventually(() => log.lines.length === 5);
    const provider = '\\[in-memory\\]$';
    const lines = [
      String.raw`^debug: acquired: "order:42" \("order:<0>"\) after \d+ ms, token \d+, owner ".* pay" ${provider}`,
      String.raw`^debug: released: "order:42" \("order:<0>"\) after \d+ ms, token \d+ ${provider}`,
      String.raw`^debug: acquired: "a\\nb" after \d+ ms, token \d+, owner ".*" ${provider}`,
      String.raw`^debug: not acquired: "a\\nb" after \d+ ms, busy ${provider}`,
      String.raw`^debug: revoked: "a\\nb" after \d+ ms, token \d+ ${provider}`,
    ];
    lines.forEach((pattern, index) => {
      expect(log.lines[index]).toMatch(new RegExp(pattern));
    });
  });

  it.each([
    ['it is not asked for', undefined, undefined],
    ['it is switched off', false, undefined],
    ['the level is off', true, ['fatal'] as LogLevel[]],
  ])('nothing listens where %s', async (_, debugLog, levels) => {
    const { log, locking } = await start(debugLog, levels);
    expect(isListening()).toBe(false);
    await locking.execute('a', () => undefined);
    expect(log.lines).toEqual([]);
  });

  it('is written where Nest 11 says no to every level, as none was chosen', async () => {
    const isLevelEnabled = jest.spyOn(Logger, 'isLevelEnabled').mockReturnValue(false);
    await start(true);
    isLevelEnabled.mockRestore();
    expect(isListening()).toBe(true);
  });

  it('ends with the application', async () => {
    await start(true);
    expect(isListening()).toBe(true);
    await running.pop()?.close();
    expect(isListening()).toBe(false);
  });

  it('is an environment variable, and anything but true or false is refused', async () => {
    expect(lockingOptionsFromEnv({ LOCKING_DEBUG_LOG: 'true' })).toMatchObject({ debugLog: true });
    expect(() => lockingOptionsFromEnv({ LOCKING_DEBUG_LOG: 'yes' })).toThrow(/LOCKING_DEBUG_LOG.*true or false/);
    await expect(start('yes' as unknown as true)).rejects.toThrow(/debugLog must be true or false/);
  });
});
