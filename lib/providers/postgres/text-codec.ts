import { createHash } from 'node:crypto';

/** Longer keys do not fit an entry of an index, in bytes. */
const LONGEST_STORED_KEY = 1000;

/** No character of a string becomes more bytes than that. */
const BYTES_PER_UNIT = 3;

/** A backslash begins an escape. No other character of a key is changed, so nearly all keys are stored as they are. */
const TO_ESCAPE = /[\\\0]|\p{Surrogate}/gu;

const MAY_NEED_ESCAPE = /[\\\0\ud800-\udfff]/;

/** What the stored form of a hashed key begins with. No other stored key does. */
const HASH_MARK = '\\#';

/**
 * The form of a text in PostgreSQL, which knows neither NUL nor half of a surrogate pair. No two texts have the same form.
 */
export function encodeText(text: string): string {
  if (!MAY_NEED_ESCAPE.test(text)) return text;
  return text.replace(TO_ESCAPE, (unit) => {
    if (unit === '\\') return '\\\\';
    return unit === '\0' ? '\\0' : `\\u${unit.charCodeAt(0).toString(16)}`;
  });
}

/** The text of which {@link encodeText} made `stored`. */
export function decodeText(stored: string): string {
  if (!stored.includes('\\')) return stored;
  return stored.replace(/\\(?:(\\)|0|u([0-9a-f]{4}))/g, (_, backslash?: string, unit?: string) => {
    if (backslash !== undefined) return '\\';
    return unit === undefined ? '\0' : String.fromCharCode(parseInt(unit, 16));
  });
}

/** A key as its row names it. */
export interface StoredKey {
  /** The key in the form of {@link encodeText}, or its hash if that is too long for an index. */
  readonly id: string;
  /** The key in that form, where `id` is its hash. */
  readonly whole?: string;
}

export function encodeKey(key: string): StoredKey {
  const text = encodeText(key);
  const isShort = text.length * BYTES_PER_UNIT <= LONGEST_STORED_KEY || Buffer.byteLength(text) <= LONGEST_STORED_KEY;
  if (isShort) return { id: text };
  return { id: HASH_MARK + createHash('sha256').update(text).digest('hex'), whole: text };
}

/** Whether `id` is a hash, from which the key cannot be told. */
export function isHashed(id: string): boolean {
  return id.startsWith(HASH_MARK);
}
