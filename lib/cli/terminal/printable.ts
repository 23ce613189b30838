import { JOINING, unprintable } from '../../errors/unprintable.js';
import { redact } from '../../providers/redis/redact.js';

const UNPRINTABLE = unprintable();

/** Spaces at an end cannot be seen either, and a backslash begins an escape. */
const TO_ESCAPE = new RegExp(`${unprintable('\\\\').source}|^ +| +$`, 'gu');

/** The same in a text that is not composed (NFC). In the group is what may be shown, unless its composed form is another. */
const TO_ESCAPE_UNCOMPOSED = new RegExp(String.raw`${TO_ESCAPE.source}|[${JOINING}]|([^\0-\x7f])`, 'gu');

/**
 * A text from outside (a key, an owner) as a terminal may show it. Escapes are those of `$'…'` in a shell, so that what is
 * shown can be given back. No two texts are shown as the same: an accent that stands by itself, which looks like the letter with it, is
 * shown as an escape.
 */
export function printable(text: string): string {
  const isComposed = text.normalize() === text;
  return text.replace(isComposed ? TO_ESCAPE : TO_ESCAPE_UNCOMPOSED, (characters, other: unknown) => {
    if (typeof other === 'string' && other.normalize() === other) return other;
    if (characters === '\\') return '\\\\';
    if (characters.startsWith(' ')) return escape(' ').repeat(characters.length);
    return escape(characters);
  });
}

/** The message of an error, whose own escapes and line breaks stay. */
export function printableMessage(message: string): string {
  return message
    .split('\n')
    .map((line) => line.replace(UNPRINTABLE, escape))
    .join('\n');
}

/** JSON on one line, with escapes for all that a terminal could take for something else than text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${hex(character.charCodeAt(index), 4)}`).join(''),
  );
}

/** A text in which the URL of a server may stand, without its password: whatever follows on its line may be a part of it. */
export function withoutPasswords(text: string): string {
  return text.replace(/\b(?!file:)\w+:\/\/[^\n]*/g, redact);
}

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
