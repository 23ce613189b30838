import type { Comparison } from '../measure.js';
import type { Bench } from '../setup.js';
import { decoratedMethod } from './decorated-method.js';
import { distinctKeysAtOnce, distinctKeysInTurn } from './distinct-keys.js';
import { inMemoryExecute } from './in-memory.js';
import { oneKey } from './one-key.js';

export const WORK: ((bench: Bench) => Promise<Comparison> | Comparison)[] = [
  distinctKeysInTurn,
  distinctKeysAtOnce,
  oneKey,
  inMemoryExecute,
  decoratedMethod,
];
