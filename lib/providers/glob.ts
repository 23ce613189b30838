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
      const { token, end } = characterClass(glob, index + 1);
      tokens.push(token);
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

/**
 * The class whose members begin at `start`, and where it ends. As in Redis a range takes what follows its dash, be it
 * the bracket that would have closed the class, and a class that is not closed ends with the glob.
 */
function characterClass(glob: string, start: number): { token: Token; end: number } {
  const negated = glob.charAt(start) === '^';
  const members: ((char: string) => boolean)[] = [];
  let index = negated ? start + 1 : start;
  while (index < glob.length && glob.charAt(index) !== ']') {
    const char = glob.charAt(index);
    if (char === '\\' && index + 1 < glob.length) {
      members.push(oneOf(glob.charAt(index + 1)));
      index += 2;
    } else if (index + 2 < glob.length && glob.charAt(index + 1) === '-') {
      const [low, high] = [char, glob.charAt(index + 2)].sort() as [string, string];
      members.push((tested) => tested >= low && tested <= high);
      index += 3;
    } else {
      members.push(oneOf(char));
      index += 1;
    }
  }
  return { token: (char) => members.some((isMember) => isMember(char)) !== negated, end: index };
}

function oneOf(char: string): (tested: string) => boolean {
  return (tested) => tested === char;
}

/** What every key begins with that matches the glob. */
export function literalPrefix(glob: string): string {
  return /^[^*?[\\]*/.exec(glob)?.[0] ?? '';
}
