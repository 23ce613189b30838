import type { BatchingStore, LeaseStore } from '../../provider-api/index.js';

/** What a store may offer beside leases. */
export type Capability = 'batching' | 'queueing' | 'records' | 'revoking';

/** What the conformance suite needs of a provider; made anew for each of its cases. */
export interface ProviderUnderTest {
  /** A connected provider on a store (or a namespace) that no other case uses. */
  readonly provider: LeaseStore;

  /** A second one on the same store, as another process would have it. */
  readonly other: LeaseStore;

  /** Connects one more, for the cases that need a third process. The case closes it. */
  readonly connect: () => Promise<LeaseStore>;

  /** Lets so many milliseconds pass for the store: moves its clock, or really waits. */
  readonly pass: (milliseconds: number) => Promise<void>;

  /** Closes `provider` and `other`. */
  readonly close: () => Promise<void>;
}

/** One promise that every provider has to keep. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (subject: ProviderUnderTest) => Promise<void>;
}

/** A case about batches. */
export function batchCase(
  name: string,
  run: (subject: { provider: BatchingStore; other: BatchingStore }) => Promise<void>,
): ConformanceCase {
  // The suite leaves these cases out for a store without batches.
  return { name, run: async ({ provider, other }) => run({ provider, other } as never) };
}
