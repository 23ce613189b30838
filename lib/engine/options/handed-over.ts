import { LockConfigurationError } from '../../errors/index.js';
import { badSerialized } from './lock-names.messages.js';
import { assertOwner } from './owner-ids.js';

/** What one process tells another of a lock that it hands over. */
export interface HandedOver {
  readonly ownerId: string;
  /** Each key, with the fencing token that the store has for it. */
  readonly tokens: ReadonlyMap<string, number>;
}

/** Tells the text from any other, and later forms of it from this one. */
const FORM = 1;

export function writeHandedOver({ ownerId, tokens }: HandedOver): string {
  return JSON.stringify({ nestjsLocking: FORM, ownerId, tokens: [...tokens] });
}

/** @throws LockConfigurationError for any other text: it may come from anywhere */
export function readHandedOver(text: unknown): HandedOver {
  const { nestjsLocking, ownerId, tokens } = parse(text);
  if (nestjsLocking !== FORM || ownerId === undefined || !Array.isArray(tokens) || tokens.length === 0) {
    throw new LockConfigurationError(badSerialized());
  }
  assertOwner(ownerId);
  if (!tokens.every(isToken)) throw new LockConfigurationError(badSerialized());
  return { ownerId, tokens: new Map(tokens) };
}

function parse(text: unknown): Record<string, unknown> {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new LockConfigurationError(badSerialized());
}

function isToken(entry: unknown): entry is [string, number] {
  return Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1]);
}
