import { describe, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseStore } from '../../lib/index.js';
import { describeLockingProvider, type ConformanceOptions, type ConformanceRunner } from '../../lib/testing/index.js';

/**
 * The conformance suite on a real store: two providers for each test, with a new namespace full of characters that mean
 * something in a glob.
 *
 * @param tag - a part of the namespace
 */
export function describeOnServers(
  name: string,
  connect: (namespace: string) => Promise<LeaseStore>,
  {
    tag = '',
    cases = { describe, it },
    ...options
  }: ConformanceOptions & { tag?: string; cases?: ConformanceRunner } = {},
): void {
  describeLockingProvider(
    name,
    async () => {
      const namespace = `[${randomUUID()}]*${tag}:`;
      const [provider, other] = await Promise.all([connect(namespace), connect(namespace)]);
      return {
        provider,
        other,
        connect: async () => connect(namespace),
        pass: async (milliseconds) => delay(milliseconds),
        close: async () => {
          await Promise.all([provider.close(), other.close()]);
        },
      };
    },
    cases,
    options,
  );
}
