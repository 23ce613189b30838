import type { StoreName } from '../contenders/open.js';
import { hundredAtATime, oneAtATime, oneAtATimePostgres, thirtyTwoAtATime } from './distinct-keys.js';
import { fourProcesses, fourProcessesPostgres } from './four-processes.js';
import { handOff } from './hand-off.js';
import { idleWaiters } from './idle-waiters.js';
import { decorated, inMemory } from './in-process.js';
import { manyKeys } from './many-keys.js';
import { emptyJob, oneKey } from './one-key.js';
import { extendAll, ownRenewal } from './renewal.js';
import type { Row } from './row.js';

const REDIS: readonly Row[] = [
  oneAtATime,
  hundredAtATime,
  oneKey,
  emptyJob,
  fourProcesses,
  handOff,
  idleWaiters,
  extendAll,
  ownRenewal,
  inMemory,
  decorated,
  manyKeys,
];

const POSTGRES: readonly Row[] = [
  oneAtATimePostgres,
  thirtyTwoAtATime,
  oneKey,
  fourProcessesPostgres,
  handOff,
  idleWaiters,
];

export const ROWS: Readonly<Record<StoreName, readonly Row[]>> = { redis: REDIS, postgres: POSTGRES };
