const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** The page with `text` between the markers. */
export function withSection(name: string, page: string, text: string): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start < 0 || end < start) throw new Error(`${name} needs the lines ${START} and ${END}, in this order`);
  return `${page.slice(0, start + START.length)}\n\n${text}\n\n${page.slice(end)}`;
}
