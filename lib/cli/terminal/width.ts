const INVISIBLE = /^\p{M}$/u;

/** Characters that take two cells: East Asian wide ones, and emoji. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u;

/** How many cells of a terminal a text takes that holds no escape sequences. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += cellsOf(character);
  return width;
}

/** The text, cut to at most so many cells; what is cut off is shown as an ellipsis. */
export function fit(text: string, cells: number): string {
  if (widthOf(text) <= cells) return text;
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += cellsOf(character);
    if (width > cells - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function cellsOf(character: string): number {
  if (INVISIBLE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
