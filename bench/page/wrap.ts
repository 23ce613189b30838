const WIDTH = 120;

/** Markdown gives these a meaning at the start of a line. */
const HAS_A_MEANING = /^([-+*#>|]|\d+[.)])/;

/** Breaks a text into lines, those after the first with an indent. */
export function wrap(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    const fits = longer.length <= WIDTH - (lines.length > 0 ? indent.length : 0);
    if (line === '' || fits || HAS_A_MEANING.test(word)) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].join(`\n${indent}`);
}
