import { LockConfigurationError } from '../../errors/index.js';
import type { Pg } from './pg-types.js';
import { pgMissing } from './postgres.messages.js';

/**
 * Loads the package `pg`.
 *
 * @throws LockConfigurationError if it is not installed
 */
export async function loadPg(id: string): Promise<Pg> {
  try {
    const loaded = (await import('pg')) as { default?: Pg } & Pg;
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new LockConfigurationError(pgMissing(id), { cause });
  }
}
