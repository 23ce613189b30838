import { quote } from '../../errors/quote.js';

export const notAKey = (value: unknown): string =>
  `A lock key must be a string, not ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `of type ${typeof value}`}.`;

export const noKeys = (): string => 'No key was given to lock. Give a string, or an array of at least one.';

export const emptyKey = (): string => 'A lock key must not be empty.';

export const reservedKey = (prefix: string): string =>
  `Keys that begin with "${prefix}" belong to this package: choose another prefix.`;

const OWNERS: Readonly<Record<string, string>> = {
  'leader:': 'leader elections',
  'idempotency:': 'idempotent runs',
  'circuit-breaker:': 'circuit breakers',
};

export const ownKey = (prefix: string): string =>
  `Keys that begin with "${prefix}" are those of ${OWNERS[prefix] ?? 'scheduled jobs'}: choose another prefix. An operator can inspect, list and forceRelease them.`;

export const halfSurrogate = (key: string): string =>
  `The lock key ${quote(key)} holds half of a surrogate pair. Stores would merge it with other keys: escape it, or leave it out.`;

export const keyTooLong = (key: string, bytes: number, longest: number): string =>
  `The lock key ${quote(key)} is too long: ${String(bytes)} bytes, and at most ${String(longest)} are possible. Lock an id or a hash instead.`;

export const tooManyKeys = (count: number, most: number): string =>
  `One call cannot lock ${String(count)} keys, but at most ${String(most)}: the store would serve nobody else meanwhile. Lock something that stands for all of them, or split the work.`;
