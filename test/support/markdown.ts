/** A block of code in a Markdown text. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** The number of its first line in the document, from 1. */
  readonly line: number;
  /** The text of an HTML comment right before it, which readers do not see. */
  readonly note: string;
}

const FENCE = /^(?:<!-- (?<note>.*?) -->\n+)?```(?<language>\w*)\n(?<text>[^]*?)^```$/gm;

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(FENCE)].map((match) => {
    const { note = '', language = '', text = '' } = match.groups ?? {};
    const start = match.index + match[0].lastIndexOf(`\`\`\`${language}\n${text}`);
    return { language, text, note, line: markdown.slice(0, start).split('\n').length + 1 };
  });
}

/** All code: spans and blocks. */
export function codeOf(markdown: string): string {
  const prose = markdown.replace(FENCE, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]);
  return [...spans, ...codeBlocks(markdown).map(({ text }) => text)].join('\n');
}

/** The anchors of its headings, as GitHub makes them. */
export function anchors(markdown: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ''] of markdown.replace(FENCE, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; found.has(anchor); count++) anchor = `${slug}-${count}`;
    found.add(anchor);
  }
  return found;
}

/** The targets of its links: `#anchor`, `file` or `file#anchor`. */
export function links(markdown: string): string[] {
  return [...markdown.replace(FENCE, '').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
}

/** The cells of the table rows whose first cell begins with the code span `name`. */
export function tableRows(markdown: string, name: string): string[][] {
  const lines = markdown.split('\n').filter((line) => line.startsWith(`| \`${name}\``));
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
