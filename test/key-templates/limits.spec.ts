import { describe, expect, it } from '@jest/globals';
import { normalizeKeys } from '../../lib/engine/options/lock-keys.js';
import { resolveCallOptions } from '../../lib/engine/options/call-options.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { isWellFormed } from '../../lib/engine/options/well-formed.js';
import { LockConfigurationError, LockKeyError } from '../../lib/index.js';
import { METHOD_ROOTS, methodScope, parseKeyTemplate } from '../../lib/key-templates/index.js';

function refusalOf(keys: unknown): LockKeyError {
  try {
    normalizeKeys(keys as string);
  } catch (error) {
    if (error instanceof LockKeyError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const render = (template: string, ...args: unknown[]): string[] =>
  parseKeyTemplate(template, METHOD_ROOTS).render(methodScope(undefined, args));

describe('a key', () => {
  it.each([
    ['one byte', 'k'],
    ['64 KiB', 'k'.repeat(65_536)],
    ['64 KiB in characters of two bytes', 'ü'.repeat(32_768)],
    ['64 KiB in characters of four', '😀'.repeat(16_384)],
  ])('a key may have %s', (_, key) => {
    expect(normalizeKeys(key)).toEqual([key]);
  });

  it.each([
    ['a byte more than 64 KiB', 'k'.repeat(65_537), 65_537],
    ['fewer characters, but more bytes', 'ü'.repeat(32_769), 65_538],
    ['many more', '€'.repeat(1_000_000), 3_000_000],
  ])('a key may not have %s', (_, key, bytes) => {
    for (const keys of [key, ['a', key]]) {
      const error = refusalOf(keys);
      expect(error.message).toContain(`is too long: ${bytes} bytes, and at most 65536 are possible.`);
      expect(error.message.length).toBeLessThan(400);
      expect(error.keys).toEqual([key]);
    }
  });

  it.each(['', ['']])('may not be empty: %j', (keys) => {
    expect(refusalOf(keys).message).toBe('A lock key must not be empty.');
  });

  it.each(['\uD800', 'a\uDFFF', '\uDC00\uD800', `x${'😀'.slice(0, 1)}`])(
    'a key may not have half of a surrogate pair, which stores turn into the same character: %j',
    (key) => {
      const { message } = refusalOf(key);
      expect(message).toContain('half of a surrogate pair');
      expect(isWellFormed(message)).toBe(true);
    },
  );

  it.each([[1], [null], [undefined], [{ toString: () => 'k' }], [['k']], [Symbol('k')], [new String('k')]])(
    'a key must be a string, not %p',
    (key) => {
      expect(refusalOf([key]).message).toMatch(/^A lock key must be a string, not /);
    },
  );
});

describe('the keys of a call', () => {
  it('a call may have 10,000 keys at most', () => {
    const keys = Array.from({ length: 10_001 }, (_, index) => `k${index}`);
    expect(normalizeKeys(keys.slice(1))).toHaveLength(10_000);
    expect(refusalOf(keys).message).toBe(
      'One call cannot lock 10001 keys, but at most 10000: the store would serve nobody else meanwhile. Lock something that stands for all of them, or split the work.',
    );
  });

  it('the keys of a call are read once, so that the checked ones are locked', () => {
    let reads = 0;
    const keys = new Proxy(['a'], {
      get: (target, name) => (name === '0' ? ['a', '', 5][reads++] : (Reflect.get(target, name) as unknown)),
    });
    expect(normalizeKeys(keys)).toEqual(['a']);
    expect(reads).toBe(1);
  });

  it('the array of keys may have no holes', () => {
    const holed = ['a', 'b'];
    // eslint-disable-next-line @typescript-eslint/no-array-delete
    delete holed[0];
    expect(refusalOf(holed).message).toBe('A lock key must be a string, not of type undefined.');
  });
});

describe('a template', () => {
  const never = (): never => {
    throw new Error('it was called');
  };
  const withTexts = { toString: never, valueOf: never, toJSON: never, [Symbol.toPrimitive]: never };

  it.each([
    withTexts,
    { id: withTexts }.id,
    Object.assign([], withTexts),
    Object.assign(() => 1, withTexts),
    new Date(),
  ])('a template never converts an object to text (%#)', (value) => {
    expect(() => render('<0>', value)).toThrow(/^Key template "<0>": <0> has no usable value: 0 is an? /);
  });

  it('a template refuses a symbol', () => {
    expect(() => render('<0>', Symbol('k'))).toThrow(/0 is a symbol\. Use a string or a number\./);
  });

  it('a value in a template may be as long as a key, and a longer one is refused before the key is made', () => {
    expect(render('<0>', 'k'.repeat(65_536))[0]).toHaveLength(65_536);
    expect(() => render('a:<0.id>', { id: '\n'.repeat(65_537) })).toThrow(
      'Key template "a:<0.id>": <0.id> has no usable value: 0.id is a string of 65537 characters, and a key has at most 65536 bytes. Use an id, or a hash of it.',
    );
  });

  it('a template makes at most 10,000 keys of an array', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => index);
    expect(render('<0[]>', many)).toHaveLength(10_000);
    expect(() => render('sku:<0.ids[]>', { ids: [...many, 1] })).toThrow(
      /^Key template "sku:<0\.ids\[\]>": 0\.ids has too many elements: one call locks at most 10000 keys\./,
    );
  });

  it.each([Infinity, 2 ** 32 - 1, 1e9])('a template does not trust an array that claims %d elements', (length) => {
    const endless = new Proxy([] as string[], {
      get: (_, name) => (name === 'length' ? length : 'x'),
      has: () => true,
    });
    expect(() => render('<0[]>', endless)).toThrow(/too many elements/);
  });

  it('a template is quoted in messages, so that its text cannot look like another line', () => {
    const source = 'a\u2028\u001b[31m\u202E:<0>';
    expect(() => render(source, null)).toThrow(/^Key template "a\\u2028\\u001b\[31m\\u202e:<0>": /);
  });
});

describe('the name of an owner', () => {
  const resolve = (ownerId: unknown) => () =>
    resolveCallOptions({ ownerId: ownerId as string }, 'handle', readEngineSettings());

  it.each(['\uD800', 'me\uDC00', '', 5, null, 'x'.repeat(2049)])('may not be %j', (ownerId) => {
    expect(resolve(ownerId)).toThrow(LockConfigurationError);
  });

  it.each(['me', '\0\n', ':a:b', 'x'.repeat(2048)])('may be %j', (ownerId) => {
    expect(resolve(ownerId)()).toMatchObject({ ownerId });
  });
});
