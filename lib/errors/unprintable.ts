/**
 * What a terminal, a log reader or a person could take for something else than text, as the inside of a character class:
 * control characters (line breaks and the beginnings of escape sequences among them), separators of lines and
 * paragraphs, marks that turn the direction of writing or cannot be seen, fillers and the empty Braille pattern, which look
 * like spaces, and halves of surrogate pairs.
 */
const CLASS = String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800`;

/** All spaces but the one that everybody types. */
const SPACES = String.raw`(?! )\p{Zs}`;

/**
 * Matches each character that is not shown as it is.
 *
 * @param more - further ones, as the inside of a character class
 */
export const unprintable = (more = ''): RegExp => new RegExp(`[${more}${CLASS}]|${SPACES}`, 'gu');

/**
 * What joins the character before it: marks (accents, vowel signs), and the vowels and finals of decomposed Hangul. As the inside of a
 * character class.
 */
export const JOINING = String.raw`\p{M}\u1161-\u1175\u11a8-\u11c2`;
