import { acquireCases } from './acquire.cases.js';
import { attemptCases } from './attempt.cases.js';
import { batchCases } from './batch.cases.js';
import { blockCases } from './block.cases.js';
import { extendCases } from './extend.cases.js';
import { identityCases } from './identity.cases.js';
import { lineCases } from './line.cases.js';
import type { ConformanceCase, ProviderUnderTest } from './provider-under-test.js';
import { releaseCases } from './release.cases.js';
import { tokenCases } from './token.cases.js';
import { turnCases } from './turn.cases.js';
import { viewCases } from './view.cases.js';

/** The two functions of a test runner that the suite needs: those of Jest, Vitest, Mocha or `node:test`. */
export interface ConformanceRunner {
  /** Groups cases. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Runs one case. */
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

const GROUPS: readonly (readonly [string, readonly ConformanceCase[]])[] = [
  ['acquire', acquireCases],
  ['keys, owners and lengths', identityCases],
  ['attempts', attemptCases],
  ['fencing tokens', [...tokenCases, ...blockCases]],
  ['extend', extendCases],
  ['release', releaseCases],
  ['batches', batchCases],
  ['lines', [...lineCases, ...turnCases]],
  ['inspect and list', viewCases],
];

/**
 * Checks that a provider means by its primitives what the engine expects of them: what holds in memory and on Redis
 * then holds on it, too. Failures are assertion errors of `node:assert`.
 *
 * @param name - how the provider is called in the report
 * @param create - makes two connected providers, and more if asked to, on a store of their own, for each case anew
 * @param runner - where the cases are to run
 *
 * @example
 * import { describe, it } from 'vitest';
 *
 * describeLockingProvider(
 *   'etcd',
 *   async () => {
 *     const prefix = randomUUID();
 *     const [provider, other] = await Promise.all([connect(prefix), connect(prefix)]);
 *     return {
 *       provider,
 *       other,
 *       connect: () => connect(prefix),
 *       pass: (milliseconds) => setTimeout(milliseconds),
 *       close: async () => void (await Promise.all([provider.close(), other.close()])),
 *     };
 *   },
 *   { describe, it },
 * );
 */
export function describeLockingProvider(
  name: string,
  create: () => Promise<ProviderUnderTest>,
  { describe, it }: ConformanceRunner,
): void {
  /** Groups cases. */
  describe(`${name}, as a locking provider`, () => {
    for (const [group, cases] of GROUPS) {
      describe(group, () => {
        for (const { name: promise, run } of cases) {
          it(promise, async () => {
            const subject = await create();
            try {
              await run(subject);
            } finally {
              await subject.close();
            }
          });
        }
      });
    }
  });
}
