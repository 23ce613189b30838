/** The page with `text` between the markers of a section. */
export function withSection(name: string, page: string, section: string, text: string): string {
  const [startMark, endMark] = ['start', 'end'].map((edge) => `<!-- ${section}:${edge} -->`) as [string, string];
  const start = page.indexOf(startMark);
  const end = page.indexOf(endMark);
  if (start < 0 || end < start) throw new Error(`${name} needs the lines ${startMark} and ${endMark}, in this order`);
  return `${page.slice(0, start + startMark.length)}\n\n${text}\n\n${page.slice(end)}`;
}
