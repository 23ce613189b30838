import { createHash } from 'node:crypto';
import { LockConfigurationError } from '../../errors/index.js';
import { fingerprintNotJson } from './idempotency.messages.js';

/** A function has no JSON, nor has `undefined`; the types of TypeScript do not say so. */
const stringify: (
  value: unknown,
  replacer: (this: Readonly<Record<string, unknown>>, name: string, value: unknown) => unknown,
) => string | undefined = JSON.stringify;

/**
 * A hash of a payload that is the same for every order of its fields.
 *
 * @throws LockConfigurationError for what JSON cannot tell: cycles, a `bigint`, or objects nested too deeply
 */
export function fingerprintOf(payload: unknown): string {
  // Bytes and JSON are kept apart: no JSON begins with that.
  if (payload instanceof Uint8Array) return hash(Buffer.concat([Buffer.from('bytes:'), payload]));
  return hash(canonicalJson(payload));
}

/** So many bits that two texts with the same hash cannot be found. */
export function hash(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url');
}

/** Of these JSON makes an empty object, so that all of them would be the same. */
function refuseEmptied(value: unknown): unknown {
  if (value instanceof Map || value instanceof Set || value instanceof ArrayBuffer) {
    throw new Error(`it has a ${value.constructor.name}`);
  }
  return value;
}

function canonicalJson(payload: unknown): string {
  try {
    // There and back, so that toJSON and the like are done with.
    let bytes = 0;
    const text = stringify(payload, function (name, value) {
      // JSON makes of them a text of many times their length.
      const whole = this[name];
      if (whole instanceof Uint8Array) return [(bytes += 1), hash(whole)];
      return refuseEmptied(value);
    });
    if (text === undefined) return '';
    // No JSON begins with that: what looks like the hash of bytes is kept apart from it.
    return `${bytes > 0 ? `bytes:${String(bytes)}:` : ''}${canonical(JSON.parse(text))}`;
  } catch (error) {
    throw new LockConfigurationError(fingerprintNotJson(error instanceof Error ? error.message : String(error)));
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}
