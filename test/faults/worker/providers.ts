import {
  PostgresLockingProvider,
  RedisLockingProvider,
  RedisQuorumLockingProvider,
  type LockingProviderClass,
} from 'nestjs-locking';
import { ForgetsOwners } from './broken/forgets-owners.js';
import { ForgetsRecords } from './broken/forgets-records.js';
import { GrantsAlways } from './broken/grants-always.js';
import { LiesAboutRenewals } from './broken/lies-about-renewals.js';
import { RepeatsTokens } from './broken/repeats-tokens.js';

/** The classes by their names in a setup. */
const CLASSES: Readonly<Record<string, LockingProviderClass>> = {
  redis: RedisLockingProvider,
  quorum: RedisQuorumLockingProvider,
  postgres: PostgresLockingProvider,
  'broken: forgets owners': ForgetsOwners,
  'broken: forgets records': ForgetsRecords,
  'broken: grants always': GrantsAlways,
  'broken: lies about renewals': LiesAboutRenewals,
  'broken: repeats tokens': RepeatsTokens,
};

export function providerClass(kind: string): LockingProviderClass {
  const found = CLASSES[kind];
  if (!found) throw new Error(`No provider is called ${JSON.stringify(kind)}: ${Object.keys(CLASSES).join(', ')}`);
  return found;
}
