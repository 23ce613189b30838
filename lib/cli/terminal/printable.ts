/**
 * What a terminal could take for something else than text: control characters (the beginnings of escape sequences among
 * them), separators of lines, marks that turn the direction of writing or cannot be seen, and halves of surrogate pairs.
 */
const DANGEROUS = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const DANGEROUS_IN_JSON = /[\u007f-\u009f]|(?=[^\0-\x7f])[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A text from outside (a key, an owner) as a terminal may show it. Escapes are those of `$'…'` in a shell, so that what is
 * shown can be given back. No two texts are shown as the same.
 */
export function printable(text: string): string {
  return text.replace(DANGEROUS, (character) => {
    if (character === '\\') return '\\\\';
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${hex(code, 2)}`;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
}

/** The message of an error, whose own escapes and line breaks stay. */
export function printableMessage(message: string): string {
  return message
    .split('\n')
    .map((line) => line.replace(DANGEROUS, (character) => (character === '\\' ? character : printable(character))))
    .join('\n');
}

/** JSON on one line, with escapes for all that a terminal could take for something else than text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(DANGEROUS_IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${hex(character.charCodeAt(index), 4)}`).join(''),
  );
}

/** A text that may hold the URL of a server, without its password. */
export function withoutPasswords(text: string): string {
  return text
    .replace(/(\w+:\/\/)[^\s'"]*@/g, '$1***@')
    .replace(/([?&](?:password|username|sslpassword)=)[^&\s'"]*/gi, '$1***');
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
