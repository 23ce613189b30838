import { describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import ts from 'typescript';
import { compileFunction } from 'node:vm';
import { LockJob } from '../../lib/coordination/bullmq/index.js';
import * as bullmq from '../../lib/coordination/bullmq/index.js';
import { CacheOnce } from '../../lib/coordination/cache/index.js';
import * as cache from '../../lib/coordination/cache/index.js';
import { LockedCron, LockedInterval } from '../../lib/coordination/schedule/index.js';
import * as schedule from '../../lib/coordination/schedule/index.js';
import {
  Idempotent,
  InjectLeaderElection,
  isLockConfigurationError,
  LeaderOnly,
  LockRequest,
  OnFollower,
  OnLeader,
  Singleton,
  WithCircuitBreaker,
  WithLock,
} from '../../lib/index.js';
import * as main from '../../lib/index.js';
import { thrown } from '../support/nest-apps.js';

/** Compilers without `experimentalDecorators`. */
const COMPILERS: Record<string, (source: string) => string> = {
  TypeScript: (source) =>
    ts.transpileModule(source, { compilerOptions: { experimentalDecorators: false, target: ts.ScriptTarget.ES2022 } })
      .outputText,
  SWC: (source) =>
    transformSync(source, {
      configFile: false,
      swcrc: false,
      isModule: false,
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: { decoratorVersion: '2022-03' },
        target: 'es2022',
      },
    }).code,
};

const METHOD = 'class Service { @decorate run() {} }';
const STATIC = 'class Service { @decorate static run() {} }';
const FIELD = 'class Service { @decorate run; }';
const GETTER = 'class Service { @decorate get run() { return 1; } }';
const CLASS = '@decorate class Service {}';

const DECORATORS: Record<string, unknown> = {
  WithLock: WithLock('a'),
  Singleton: Singleton('a'),
  LockRequest: LockRequest('a'),
  OnLeader: OnLeader('a'),
  OnFollower: OnFollower('a'),
  LeaderOnly: LeaderOnly('a'),
  InjectLeaderElection: InjectLeaderElection('a'),
  LockedCron: LockedCron('* * * * *', { name: 'a' }),
  LockedInterval: LockedInterval('a', 1000),
  LockJob: LockJob('a'),
  CacheOnce: CacheOnce('a'),
  Idempotent: Idempotent(),
  WithCircuitBreaker: WithCircuitBreaker('a'),
};

const cases = Object.keys(COMPILERS).flatMap((compiler) =>
  Object.keys(DECORATORS).flatMap((name) =>
    [METHOD, STATIC, FIELD, GETTER, CLASS].map((source) => ({ compiler, name, source })),
  ),
);

describe('a decorator in a file that was compiled without experimentalDecorators', () => {
  it.each(cases)(
    'the error of a decorator without experimentalDecorators names the compiler options: $compiler, @$name, $source',
    ({ compiler, name, source }) => {
      const load = compileFunction(COMPILERS[compiler]!(source), ['decorate']) as (decorate: unknown) => void;
      const error = thrown(() => {
        load(DECORATORS[name]);
      });
      expect(isLockConfigurationError(error)).toBe(true);
      const { message } = error as Error;
      expect(message).toContain(`@${name} on ${source === CLASS ? 'Service' : 'run'}: `);
      expect(message).toContain('"experimentalDecorators": true');
      expect(message).toContain('"legacyDecorator": true');
      expect(message).toMatch(/tsc.*esbuild.*Vite.*SWC/);
    },
  );

  it('every decorator that the package exports has this test', () => {
    const exported = Object.entries({ ...main, ...schedule, ...bullmq, ...cache })
      .filter(([name, value]) => /^[A-Z]/.test(name) && typeof value === 'function' && !/^class\b/.test(String(value)))
      .map(([name]) => name);
    expect(exported.sort()).toEqual(Object.keys(DECORATORS).sort());
  });
});
