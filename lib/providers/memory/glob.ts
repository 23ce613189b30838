/** A glob as Redis reads it (`*`, `?`, `[abc]`, `[^a-z]`, `\` to escape), as a test of whole keys. */
export function globMatcher(glob: string): (text: string) => boolean {
  let source = '';
  let index = 0;
  while (index < glob.length) {
    const char = glob.charAt(index);
    if (char === '*') source += '[^]*';
    else if (char === '?') source += '[^]';
    else if (char === '[') {
      const end = classEnd(glob, index + 1);
      source += characterClass(glob.slice(index + 1, end));
      index = end;
    } else {
      if (char === '\\' && index + 1 < glob.length) index += 1;
      source += literal(glob.charAt(index));
    }
    index += 1;
  }
  const pattern = new RegExp(`^(?:${source})$`);
  return (text) => pattern.test(text);
}

/** Where the class that begins at `start` ends; like Redis, one that is not closed ends with the glob. */
function classEnd(glob: string, start: number): number {
  let index = start;
  while (index < glob.length && glob.charAt(index) !== ']') index += glob.charAt(index) === '\\' ? 2 : 1;
  return Math.min(index, glob.length);
}

function characterClass(body: string): string {
  const negated = body.startsWith('^');
  let members = '';
  for (let index = negated ? 1 : 0; index < body.length; index += 1) {
    const char = body.charAt(index);
    if (char === '\\' && index + 1 < body.length) members += literal(body.charAt((index += 1)));
    else if (index + 2 < body.length && body.charAt(index + 1) === '-') {
      const [low, high] = [char, body.charAt(index + 2)].sort() as [string, string];
      members += `${literal(low)}-${literal(high)}`;
      index += 2;
    } else members += literal(char);
  }
  if (members === '') return negated ? '[^]' : '[]';
  return `[${negated ? '^' : ''}${members}]`;
}

function literal(char: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char;
}
