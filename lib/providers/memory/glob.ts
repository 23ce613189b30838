/** One element of a glob: any run of characters, or one character that passes a test. */
type Token = '*' | ((char: string) => boolean);

/**
 * A glob as Redis reads it (`*`, `?`, `[abc]`, `[^a-z]`, `\` to escape), as a test of whole keys. Not by a regular
 * expression: of some globs one would never come back, and of a long one there is none.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const tokens: Token[] = [];
  for (let index = 0; index < glob.length; index += 1) {
    const char = glob.charAt(index);
    if (char === '*') tokens.push('*');
    else if (char === '?') tokens.push(() => true);
    else if (char === '[') {
      const end = classEnd(glob, index + 1);
      tokens.push(characterClass(glob.slice(index + 1, end)));
      index = end;
    } else {
      if (char === '\\' && index + 1 < glob.length) index += 1;
      tokens.push(oneOf(glob.charAt(index)));
    }
  }
  return (text) => matches(tokens, text);
}

/** Goes back to the last star alone: what an earlier one could take more of, the last one can, too. */
function matches(tokens: readonly Token[], text: string): boolean {
  let [token, at] = [0, 0];
  let [afterStar, resumeAt] = [-1, 0];
  while (at < text.length) {
    const test = tokens[token];
    if (test === '*') {
      token += 1;
      [afterStar, resumeAt] = [token, at];
    } else if (test?.(text.charAt(at))) {
      token += 1;
      at += 1;
    } else if (afterStar >= 0) {
      resumeAt += 1;
      [token, at] = [afterStar, resumeAt];
    } else return false;
  }
  while (tokens[token] === '*') token += 1;
  return token === tokens.length;
}

/** Where the class that begins at `start` ends; like Redis, one that is not closed ends with the glob. */
function classEnd(glob: string, start: number): number {
  let index = start;
  while (index < glob.length && glob.charAt(index) !== ']') index += glob.charAt(index) === '\\' ? 2 : 1;
  return Math.min(index, glob.length);
}

function characterClass(body: string): Token {
  const negated = body.startsWith('^');
  const members: ((char: string) => boolean)[] = [];
  for (let index = negated ? 1 : 0; index < body.length; index += 1) {
    const char = body.charAt(index);
    if (char === '\\' && index + 1 < body.length) members.push(oneOf(body.charAt((index += 1))));
    else if (index + 2 < body.length && body.charAt(index + 1) === '-') {
      const [low, high] = [char, body.charAt(index + 2)].sort() as [string, string];
      members.push((tested) => tested >= low && tested <= high);
      index += 2;
    } else members.push(oneOf(char));
  }
  return (char) => members.some((isMember) => isMember(char)) !== negated;
}

function oneOf(char: string): (tested: string) => boolean {
  return (tested) => tested === char;
}
