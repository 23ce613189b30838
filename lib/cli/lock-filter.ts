import type { StoredLease } from '../provider-api/index.js';
import type { OptionSpec, Values } from './command.interface.js';

/** The options by which `list` and `watch` leave locks out. */
export const FILTER_OPTIONS = {
  holder: { type: 'string', value: 'TEXT', help: 'only locks whose holder contains this' },
  waiting: { type: 'boolean', help: 'only locks that other processes wait for' },
  forever: { type: 'boolean', help: 'only locks that never expire' },
  foreign: { type: 'boolean', help: 'only locks of other software' },
} as const satisfies Record<string, OptionSpec>;

export function lockFilter({ holder, waiting, forever, foreign }: Values): (lease: StoredLease) => boolean {
  return ({ ownerId, queue = [], ttl, fencingToken }) =>
    (typeof holder !== 'string' || ownerId.includes(holder)) &&
    (waiting !== true || queue.length > 0) &&
    (forever !== true || ttl === null) &&
    (foreign !== true || fencingToken === null);
}
