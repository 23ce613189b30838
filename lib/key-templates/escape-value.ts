/*
 * Why different values never make the same key
 * ============================================
 *
 * A key is  L0 e(v1) L1 e(v2) … e(vn) Ln : the template's literals, which are the same at every call, and the escaped
 * texts of the values.
 *
 * 1. e is injective. It keeps the characters A-Z a-z 0-9 _ . ~ @ - and all of Unicode from U+00A0 on, but for line and
 *    paragraph separators and halves of surrogate pairs. It turns every other ASCII character into %XX, the rest into
 *    %uNNNN. A raw % is never kept, so every % begins an escape, and u is no hexadecimal digit, so both kinds of
 *    escape have one reading.
 * 2. The boundaries are found again. Call an ASCII character RESERVED if no e(v) contains it: every one that e does
 *    not keep, but for % itself, which e writes. Each literal between two placeholders gets a reserved character: if
 *    it has none, | is put before it (the template <0>-<1> makes "a|-b"). Then, reading from the left after L0, the
 *    first reserved character is the first one in L1, as e(v1) has none: that gives the length of e(v1), and so the
 *    end of L1. The same again gives every other value; the last one is what remains before Ln. What the literals are
 *    made of besides (%, hexadecimal digits, further |) does not matter.
 * 3. UTF-8 keeps it so: literals are well-formed (checked when parsed), and so is e(v). Nothing becomes U+FFFD.
 *
 * It holds for the calls of one template. Two templates may well name the same key; that is how two methods share one.
 *
 * Control characters of values, C1 and U+2028/U+2029 included, are escaped for a second reason: keys end up in logs.
 */

const UNSAFE = /[^A-Za-z0-9_.~@\-\u00A0-\u2027\u202A-\uD7FF\uE000-\u{10FFFF}]/u;
const EACH_UNSAFE = new RegExp(UNSAFE.source, 'gu');
const RESERVED = /[^A-Za-z0-9_.~@\-%\u0080-\u{10FFFF}]/u;

/** The text of a value as it stands in a key. */
export function escapeValue(text: string): string {
  // nearly every value is a plain id: it must not be rebuilt
  return UNSAFE.test(text) ? text.replace(EACH_UNSAFE, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  return code < 0x80 ? `%${hex.padStart(2, '0')}` : `%u${hex.padStart(4, '0')}`;
}

/** A literal between two placeholders, made such that the end of the value before it can be told. */
export function separating(literal: string): string {
  return RESERVED.test(literal) ? literal : `|${literal}`;
}
