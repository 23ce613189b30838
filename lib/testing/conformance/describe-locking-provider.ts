import assert from 'node:assert/strict';
import { acquireCases } from './acquire.cases.js';
import { attemptCases, queuedAttemptCases } from './attempt.cases.js';
import { batchCases } from './batch.cases.js';
import { blockCases } from './block.cases.js';
import { extendCases } from './extend.cases.js';
import { identityCases } from './identity.cases.js';
import { handOffCases } from './hand-off.cases.js';
import { isBatching, isQueueing, isRecordStore, isRevoking, type LeaseStore } from '../../provider-api/index.js';
import type { Capability, ConformanceCase, ProviderUnderTest } from './provider-under-test.js';
import { queueCases } from './queue.cases.js';
import { recordCases } from './record.cases.js';
import { releaseCases } from './release.cases.js';
import { revokeCases } from './revoke.cases.js';
import { tokenCases } from './token.cases.js';
import { viewCases } from './view.cases.js';

/** The two functions of a test runner that the suite needs: those of Jest, Vitest, Mocha or `node:test`. */
export interface ConformanceRunner {
  /** Groups cases. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Runs one case. */
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

type Section = readonly (readonly [string, readonly ConformanceCase[]])[];

const LEASES: Section = [
  ['acquire', acquireCases],
  ['keys, owners and lengths', identityCases],
  ['release', releaseCases],
  ['cancel', attemptCases],
  ['fencing tokens', [...tokenCases, ...blockCases]],
  ['extend', extendCases],
  ['inspect and list', viewCases],
];

/** The sections of the suite for what a store may offer beside leases. */
const CAPABILITIES: readonly {
  readonly capability: Capability;
  readonly isOffered: (store: LeaseStore) => boolean;
  /** What the engine does without it. */
  readonly instead: string;
  readonly section: Section;
}[] = [
  {
    capability: 'batching',
    isOffered: isBatching,
    instead: 'each request is a call of its own',
    section: [['BatchingStore', batchCases]],
  },
  {
    capability: 'queueing',
    isOffered: isQueueing,
    instead: 'waiting processes ask again and again, in no order',
    section: [
      ['QueueingStore', queueCases],
      ['QueueingStore: hand-off', handOffCases],
      ['QueueingStore: cancel', queuedAttemptCases],
    ],
  },
  {
    capability: 'records',
    isOffered: isRecordStore,
    instead: 'idempotency, checkpoints and circuit breakers need another provider',
    section: [['RecordStore', recordCases]],
  },
  {
    capability: 'revoking',
    isOffered: isRevoking,
    instead: 'a release by hand looks first and then revokes, which are two steps',
    section: [['RevokingStore', revokeCases]],
  },
];

/** What the store under test offers. */
export interface ConformanceOptions {
  /** The capabilities that the store does not offer. The report names each. */
  readonly without?: readonly Capability[];
}

/**
 * Checks that a store keeps the promises that the engine relies on: those of {@link LeaseStore}, and of each capability
 * that it offers. Failures are assertion errors of `node:assert`.
 *
 * @param name - the name of the provider in the report
 * @param create - makes two connected providers, and more if asked to, on a store of their own, for each case anew
 * @param runner - runs the cases
 * @param options - which capabilities the store does not offer
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
 *   { without: ['queueing'] },
 * );
 */
export function describeLockingProvider(
  name: string,
  create: () => Promise<ProviderUnderTest>,
  { describe, it }: ConformanceRunner,
  { without = [] }: ConformanceOptions = {},
): void {
  const test = (promise: string, run: ConformanceCase['run']): void => {
    it(promise, async () => {
      const subject = await create();
      try {
        await run(subject);
      } finally {
        await subject.close();
      }
    });
  };
  const add = (section: Section): void => {
    for (const [group, cases] of section) {
      describe(group, () => {
        for (const { name: promise, run } of cases) test(promise, run);
      });
    }
  };
  describe(`${name}, as a locking provider`, () => {
    add(LEASES);
    for (const { capability, isOffered, instead, section } of CAPABILITIES) {
      const isExpected = !without.includes(capability);
      test(isExpected ? `offers ${capability}` : `does not offer ${capability}: ${instead}`, async ({ provider }) => {
        assert.equal(
          isOffered(provider),
          isExpected,
          `without: [${isExpected ? `'${capability}'` : ''}] says otherwise`,
        );
        return Promise.resolve();
      });
      if (isExpected) add(section);
    }
  });
}
