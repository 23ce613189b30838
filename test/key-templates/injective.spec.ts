import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { METHOD_ROOTS, methodScope, parseKeyTemplate } from '../../lib/key-templates/index.js';

/** Texts that look like an escape, a separator, a neighbouring literal or half of a character. */
const nasty = ['%', '|', ':', 'a', 'u', '3', '7C', '%3A', '%7C', '%25', '%u', 'D83D', 'and', '-', '<', '>', '\u0085'];
const halves = ['\uD83D', '\uDE00', '\uFFFD', '😀', '\u2028', '\0'];
const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));
const nastyUnit = fc.constantFrom(...nasty, ...halves);
const textOf = (unit: fc.Arbitrary<string>) => fc.array(unit, { maxLength: 5 }).map((units) => units.join(''));
const value = fc.oneof(textOf(nastyUnit), textOf(anyUnit), fc.string({ unit: 'binary' }));
const literal = fc.oneof(textOf(fc.constantFrom(...nasty)), fc.string({ unit: 'grapheme' }), fc.constant(''));

const literals = fc.array(literal, { minLength: 2, maxLength: 5 });
const templateOf = (parts: readonly string[]) =>
  parts.map((part) => part.replaceAll('<', '<<')).reduce((source, part, index) => `${source}<${index - 1}>${part}`);
/** Avoids the empty key, which is refused and no collision. */
const named = ([first = '', ...rest]: readonly string[]) => [`k${first}`, ...rest];

const tuples = fc.tuple(literals, fc.array(value, { minLength: 8, maxLength: 8 })).map(([parts, values]) => ({
  parts: named(parts),
  one: values.slice(0, parts.length - 1),
  other: values.slice(4, 4 + parts.length - 1),
}));

/** Texts moved over the boundary, which a key without separators cannot tell apart. */
const shifted = fc
  .tuple(literals, fc.array(value, { minLength: 4, maxLength: 4 }), fc.nat(), fc.nat())
  .map(([parts, values, which, cut]) => {
    const one = values.slice(0, parts.length - 1);
    const at = which % Math.max(1, one.length - 1);
    const joined = `${one[at]}${parts[at + 1]}${one[at + 1] ?? ''}`;
    const cuts = [...joined.matchAll(/(?:)/g)].map((match) => match.index);
    const places = cuts.filter((place) => joined.startsWith(parts[at + 1] ?? '', place));
    const place = places[cut % places.length] ?? 0;
    const other = [...one];
    other[at] = joined.slice(0, place);
    if (one.length > 1) other[at + 1] = joined.slice(place + (parts[at + 1] ?? '').length);
    return { parts: named(parts), one, other };
  });

const render = (source: string, args: readonly unknown[]) =>
  parseKeyTemplate(source, METHOD_ROOTS).render(methodScope(undefined, args))[0] ?? '';

describe('keys of one template', () => {
  it.each([
    ['random values', tuples],
    ['text moved from one value to the next', shifted],
  ])('keys of different arguments differ, also in UTF-8: %s', (_, pairs) => {
    let different = 0;
    fc.assert(
      fc.property(pairs, ({ parts, one, other }) => {
        const source = templateOf(parts);
        const [key, otherKey] = [render(source, one), render(source, other)];
        const same = one.every((text, index) => text === other[index]);
        if (!same) different++;
        expect(key === otherKey).toBe(same);
        expect(Buffer.from(key, 'utf8').equals(Buffer.from(otherKey, 'utf8'))).toBe(same);
      }),
      { numRuns: 3000 },
    );
    expect(different).toBeGreaterThan(300);
  });

  it('keys of all pairs and triples of short texts differ', () => {
    const texts = ['', ...nasty, ...halves];
    fc.assert(
      fc.property(fc.array(literal, { minLength: 3, maxLength: 3 }), literal, (parts, last) => {
        const pair = parseKeyTemplate(templateOf(named(parts)), METHOD_ROOTS);
        const pairs = texts.flatMap((a) => texts.flatMap((b) => pair.render(methodScope(undefined, [a, b]))));
        expect(new Set(pairs.map((key) => Buffer.from(key).toString('hex'))).size).toBe(texts.length ** 2);

        const few = ['', parts[1], parts[2], `${parts[1]}${parts[1]}`, '|', '%', 'a', '\uD83D'].filter(unique);
        const triple = parseKeyTemplate(templateOf(named([...parts, last])), METHOD_ROOTS);
        const triples = few.flatMap((a) =>
          few.flatMap((b) => few.flatMap((c) => triple.render(methodScope(undefined, [a, b, c])))),
        );
        expect(new Set(triples.map((key) => Buffer.from(key).toString('hex'))).size).toBe(few.length ** 3);
      }),
      { numRuns: 200 },
    );
  });

  it('the values can be read back from a key', () => {
    fc.assert(
      fc.property(tuples, ({ parts, one }) => {
        expect(readBack(render(templateOf(parts), one), parts)).toEqual(one);
      }),
      { numRuns: 3000 },
    );
  });

  it('values in keys have no control characters, line separators or reserved characters', () => {
    fc.assert(
      fc.property(value, (text) => {
        const escaped = render('k<0>', [text]).slice(1);
        expect(escaped).toMatch(
          /^(?:[A-Za-z0-9_.~@-]|[^\0-\u009F\u2028\u2029\p{Surrogate}]|%[0-9A-F]{2}|%u[0-9A-F]{4})*$/u,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('a number and its text make the same key', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(render('<0>', [number])).toBe(render('<0>', [String(number)]));
      }),
    );
  });
});

/** The proof in `escape-value.ts` as a program, written from its text, independent of the code. */
function readBack(key: string, parts: readonly string[]): string[] {
  const reserved = /[^A-Za-z0-9_.~@\-%\u0080-\uFFFF]/;
  const values: string[] = [];
  let rest = key.slice(parts[0]?.length);
  parts.slice(1).forEach((part, index) => {
    let length = rest.length - part.length;
    let written = part;
    if (index < parts.length - 2) {
      if (part.search(reserved) < 0) written = `|${part}`;
      length = rest.search(reserved) - written.search(reserved);
    }
    values.push(unescapeValue(rest.slice(0, length)));
    rest = rest.slice(length + written.length);
  });
  return values;
}

function unescapeValue(text: string): string {
  return text.replace(/%u([0-9A-F]{4})|%([0-9A-F]{2})/g, (_, unit?: string, ascii?: string) =>
    String.fromCharCode(parseInt(unit ?? ascii ?? '', 16)),
  );
}

function unique<T>(item: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(item) === index;
}
