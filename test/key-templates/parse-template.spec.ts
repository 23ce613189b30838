import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isLockKeyError } from '../../lib/errors/index.js';
import { METHOD_ROOTS, parseKeyTemplate, REQUEST_ROOTS } from '../../lib/key-templates/index.js';

const METHOD_LIST = "an argument's position, such as <0> or <1.id>, and <this.name> for a property of the instance";
const BRACKETS = 'Write "[]" for every element, "[3]" for one of them, and ".name" for a property.';
const UNCLOSED = '"<" without its ">". Close the placeholder; for a literal "<", write "<<".';
const SPACE = 'white space in a placeholder. Remove it; for a literal "<", write "<<".';
const foreign = (text: string, path: string) =>
  `${text} would be literal text, and every call would lock the same key. ` +
  `Write <${path}>; for literal text like that, give a function that makes the key.`;
const unrelated = (one: string, other: string) =>
  `it goes through two arrays that have nothing to do with each other, ${one} and ${other}. ` +
  'Use "[]" on one array only, or compute the keys in the method and lock them with LockingService.';

describe('parseKeyTemplate', () => {
  it.each([
    ['', 1, 'it is empty. Give the lock a name, such as "nightly-report".'],
    ['a:<0', 3, UNCLOSED],
    ['a:<', 3, UNCLOSED],
    ['a<0<1>', 2, UNCLOSED],
    ['<<<0', 3, UNCLOSED],
    ['a:<>', 3, `the placeholder <> is empty. Write what it stands for: ${METHOD_LIST}.`],
    ['a:<params.id>', 4, `<params.id> begins with an unknown root "params". There are: ${METHOD_LIST}.`],
    ['<00>', 2, `<00> begins with an unknown root "00". There are: ${METHOD_LIST}.`],
    ['<-1>', 2, `<-1> begins with an unknown root "-1". There are: ${METHOD_LIST}.`],
    ['<.id>', 2, `<.id> begins with an unknown root "". There are: ${METHOD_LIST}.`],
    ['<[0]>', 2, `<[0]> begins with an unknown root "". There are: ${METHOD_LIST}.`],
    ['<constructor>', 2, `<constructor> begins with an unknown root "constructor". There are: ${METHOD_LIST}.`],
    ['<0.>', 4, 'empty segment in <0.>. Name a property after every ".".'],
    ['<0..id>', 4, 'empty segment in <0..id>. Name a property after every ".".'],
    ['<0.[]>', 4, 'empty segment in <0.[]>. Name a property after every ".".'],
    ['<0[a]>', 3, `unexpected "[" in <0[a]>. ${BRACKETS}`],
    ['<0[03]>', 3, `unexpected "[" in <0[03]>. ${BRACKETS}`],
    ['<0[>', 3, `unexpected "[" in <0[>. ${BRACKETS}`],
    ['<0]>', 3, `unexpected "]" in <0]>. ${BRACKETS}`],
    ['<0[]id>', 5, `unexpected "i" in <0[]id>. ${BRACKETS}`],
    ['<0. id>', 4, SPACE],
    ['< 0>', 2, SPACE],
    ['if a < b then c > d', 7, SPACE],
    ['<0.a\u0000b>', 5, SPACE],
    ['<0.a[]>:<0.b[]>', 10, unrelated('0.a[]', '0.b[]')],
    ['<0[]>:<1[]>', 8, unrelated('0[]', '1[]')],
    ['<0.o[].a[]>:<0.o[].b[]>', 14, unrelated('0.o[].a[]', '0.o[].b[]')],
    ['<0.o[].a[]>:<0.o[].id>:<1.b[].id>', 25, unrelated('0.o[]', '1.b[]')],
    ['a:{0}', 3, foreign('{0}', '0')],
    ['a:${0}', 3, foreign('${0}', '0')],
    ['a:#{ 1.id }:<0>', 3, foreign('#{ 1.id }', '1.id')],
    ['{0[3].id}', 1, foreign('{0[3].id}', '0[3].id')],
    ['{this}', 1, foreign('{this}', 'this')],
    ['${this}:<0>', 1, foreign('${this}', 'this')],
    ['{{0}}', 2, foreign('{0}', '0')],
    ['a\uD800', 2, 'half of a surrogate pair. Write the whole character.'],
    ['\uDC00<0>', 1, 'half of a surrogate pair. Write the whole character.'],
    ['<0.a\uD800>', 5, 'half of a surrogate pair. Write the whole character.'],
  ])('rejects %j at column %i', (source, column, problem) => {
    const error = thrownBy(() => parseKeyTemplate(source, METHOD_ROOTS));
    expect(isLockKeyError(error)).toBe(true);
    expect((error as Error).message).toBe(
      `Malformed key template ${JSON.stringify(source)}, column ${column}: ${problem}`,
    );
  });

  it.each([
    ['{this}:<0>', METHOD_ROOTS],
    ['{user}:<params.id>', REQUEST_ROOTS],
    ['{tenant}', METHOD_ROOTS],
    ['{params.id}', METHOD_ROOTS],
    ['{}', METHOD_ROOTS],
    ['{<0>}:{order}', METHOD_ROOTS],
    ['${price}', METHOD_ROOTS],
  ])('placeholders of other languages are literal text: %j', (source, roots) => {
    expect(parseKeyTemplate(source, roots).source).toBe(source);
  });

  it('the parts of a request in braces are refused', () => {
    const error = thrownBy(() => parseKeyTemplate('order:{params.id}', REQUEST_ROOTS));
    expect((error as Error).message).toBe(
      `Malformed key template "order:{params.id}", column 7: ${foreign('{params.id}', 'params.id')}`,
    );
  });

  it.each([[undefined], [42], [null], [['a']]])('rejects %j, which is no string', (source) => {
    const error = thrownBy(() => parseKeyTemplate(source as unknown as string, METHOD_ROOTS));
    expect(isLockKeyError(error)).toBe(true);
    expect((error as Error).message).toBe('A key template must be a string, such as "order:<0.id>".');
  });

  it('the error for an unknown root names the roots of a request', () => {
    expect(() => parseKeyTemplate('order:<0.id>', REQUEST_ROOTS)).toThrow(
      'Malformed key template "order:<0.id>", column 8: <0.id> begins with an unknown root "0". ' +
        'There are: params, query, body, headers, user, args, context and data, as in <params.id>.',
    );
  });

  it('a parsed template keeps its source', () => {
    expect(parseKeyTemplate('order:<0>', METHOD_ROOTS).source).toBe('order:<0>');
  });

  it('parseKeyTemplate throws nothing but LockKeyError, whatever the string', () => {
    const token = fc.constantFrom(
      '<',
      '>',
      '<<',
      '0',
      '1',
      'this',
      'params',
      '.',
      '[',
      ']',
      '[]',
      '[3]',
      'a',
      ' ',
      '\uD800',
    );
    const source = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join('')),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    );
    let parsed = 0;
    let rejected = 0;
    fc.assert(
      fc.property(source, (text) => {
        try {
          expect(parseKeyTemplate(text, METHOD_ROOTS).source).toBe(text);
          parsed++;
        } catch (error) {
          if (!isLockKeyError(error)) throw error;
          expect(error.code).toBe('LOCK_KEY');
          rejected++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(parsed).toBeGreaterThan(100);
    expect(rejected).toBeGreaterThan(100);
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
