import { afterEach, beforeEach, jest } from '@jest/globals';
import { Logger, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { LockingTestControl, LockingTestingModule } from '../../../lib/testing/index.js';

type Level = 'warn' | 'log' | 'error';

/** An application on a manual clock for each test, whose log is kept and not written. */
export function useManualClock() {
  let app: TestingModule;
  let lines: [Level, string][] = [];

  beforeEach(async () => {
    lines = [];
    for (const level of ['warn', 'log', 'error'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((line) => {
        lines.push([level, String(line)]);
      });
    }
    app = await Test.createTestingModule({ imports: [LockingTestingModule.forRoot()] }).compile();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  return {
    /** What the application provides. */
    of: <T>(type: Type<T>): T => app.get(type),
    advance: async (time: `${number}ms` | `${number}s`) => app.get(LockingTestControl).clock.advance(time),
    /** The lines of the log so far, of one level. */
    logged: (level: Level): string[] => lines.filter(([at]) => at === level).map(([, line]) => line),
  };
}
