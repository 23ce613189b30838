import { afterEach } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  PostgresLockingProvider,
  type LeaseRequest,
  type PostgresLockingProviderOptions,
  type WakeUpListener,
} from '../../lib/index.js';
import { rowsOf } from '../support/postgres.js';

/** A provider and what it has told since it was made. */
export interface Connected {
  readonly provider: PostgresLockingProvider;
  readonly warnings: string[];
  /** `connected` and `replaced`, as they came. */
  readonly events: string[];
}

export interface Providers {
  make(options: PostgresLockingProviderOptions): Connected;
  connect(options: PostgresLockingProviderOptions): Promise<Connected>;
}

/** Makes providers, and closes them after each test. */
export function useProviders(): Providers {
  const open: PostgresLockingProvider[] = [];

  afterEach(async () => {
    await Promise.all(open.splice(0).map((provider) => provider.close()));
  });

  const prepare = (options: PostgresLockingProviderOptions): Connected => {
    const warnings: string[] = [];
    const provider = new PostgresLockingProvider(options, {
      id: 'locking-postgres',
      warn: (message) => warnings.push(message),
    });
    open.push(provider);
    return { provider, warnings, events: [] };
  };
  return {
    make: prepare,
    connect: async (options) => {
      const connected = prepare(options);
      const { provider, events } = connected;
      await provider.connect(
        () => events.push('connected'),
        () => events.push('replaced'),
      );
      return connected;
    },
  };
}

/** A request for one key under a fresh attempt, whose id is the owner's too. */
export function request(key: string, more: Partial<LeaseRequest> = {}): LeaseRequest {
  const processId = more.processId ?? 'process';
  const attemptId = `${processId}.${randomUUID()}`;
  return { keys: [key], ownerId: attemptId, attemptId, processId, ttl: 30_000, onlyIfOwned: false, ...more };
}

/** What a process is told, as texts. */
export function listener(heard: string[]): WakeUpListener {
  return {
    granted: (key) => heard.push(`granted ${key}`),
    offered: (key) => heard.push(`offered ${key}`),
    contended: (key) => heard.push(`contended ${key}`),
    lost: (key) => heard.push(`lost ${key}`),
    interrupted: () => heard.push('interrupted'),
    restored: () => heard.push('restored'),
  };
}

/** Makes a user with a name that has to be quoted, and gives the URL to log in with. */
export async function makeUser(url: string, settings = ''): Promise<{ name: string; url: string }> {
  const name = `App ${randomUUID().slice(0, 8)}`;
  await rowsOf(url, `CREATE ROLE "${name}" LOGIN ${settings}`);
  const theirs = new URL(url);
  theirs.username = name;
  return { name, url: theirs.href };
}
