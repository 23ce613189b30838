import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { runInNewContext } from 'node:vm';
import { isLockKeyError, LockKeyError } from '../../lib/errors/index.js';
import { METHOD_ROOTS, methodScope, parseKeyTemplate, REQUEST_ROOTS } from '../../lib/key-templates/index.js';

class Tenant {
  constructor(readonly id: string) {}
  get name(): string {
    return `tenant ${this.id}`;
  }
  label(): string {
    return this.id;
  }
}
class SubTenant extends Tenant {}

const orders = [
  {
    id: 'o1',
    lines: [
      { sku: 'a', lot: 1 },
      { sku: 'b', lot: 2 },
    ],
  },
  { id: 'o2', lines: [] },
  { id: 'o3', lines: [{ sku: 'a', lot: 3 }] },
];

/** An array whose first element was never set. */
const sparse = new Array<string>(2).fill('a', 1);

describe('KeyTemplate.render', () => {
  it.each<[string, unknown[], string[]]>([
    ['nightly', [], ['nightly']],
    ['order:<0>', ['42'], ['order:42']],
    ['order:<0>', [42], ['order:42']],
    ['order:<0>', [42n], ['order:42']],
    ['order:<0>', [''], ['order:']],
    ['<0>', [true], ['true']],
    ['<0>', [-0], ['0']],
    ['<0>', [-1.5], ['-1.5']],
    ['<0>', [1e21], ['1e%2B21']],
    ['order:<0.customer.id>', [{ customer: { id: 'c7' } }], ['order:c7']],
    ['<1>/<0>', ['a', 'b'], ['b/a']],
    ['<0.2>', [['a', 'b', 'c']], ['c']],
    ['<0[2]>', [['a', 'b', 'c']], ['c']],
    ['<0[1].x[0]>', [[0, { x: ['y'] }]], ['y']],
    ['<0.x-y>', [{ 'x-y': 1 }], ['1']],
    ['<0.naïve>', [{ naïve: 1 }], ['1']],
    ['a > b:<0>>', ['c'], ['a > b:c>']],
    ['a<<b:<0><<', ['c'], ['a<b:c<']],
    ['<<0>', [], ['<0>']],
    ['<<<0>', ['c'], ['<c']],
    ['sku:<0.lines[].sku>', [orders[0]], ['sku:a', 'sku:b']],
    ['<0[]>', [['b', 'a', 'b']], ['b', 'a', 'b']],
    ['<0[][]>', [[['a', 'b'], ['c']]], ['a', 'b', 'c']],
    [
      '<0[][1]>',
      [
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
      ],
      ['b', 'd'],
    ],
    ['<0.lines[].sku>:<0.lines[].lot>', [orders[0]], ['a:1', 'b:2']],
    ['<0[].id>:<0[].lines[].sku>', [orders], ['o1:a', 'o1:b', 'o3:a']],
    ['<0[].lines[].sku>:<1>:<0[].id>', [orders, 't'], ['a:t:o1', 'b:t:o1', 'a:t:o3']],
    ['<0[0].lines[].sku>:<0.0.lines[0].lot>', [orders], ['a:1', 'b:1']],
    ['<0>-<1>', ['a', 'b'], ['a|-b']],
    ['<0><1><0>', ['a', 'b'], ['a|b|a']],
    ['<0>%<1>', ['a', 'b'], ['a|%b']],
    ['<0>é<1>', ['a', 'b'], ['a|éb']],
    ['<0>|<1>', ['a', 'b'], ['a|b']],
    ['-<0>-', ['a'], ['-a-']],
    ['<0>', ['AZaz09_.~@-'], ['AZaz09_.~@-']],
    ['<0>', ['é日😀\u00A0\uFFFF'], ['é日😀\u00A0\uFFFF']],
    ['<0>', [':%|<>{}* /\n\u007F'], ['%3A%25%7C%3C%3E%7B%7D%2A%20%2F%0A%7F']],
    ['<0>', ['\u0080\u009F\u2028\u2029'], ['%u0080%u009F%u2028%u2029']],
    ['<0>', ['\uD83D😀\uDE00'], ['%uD83D😀%uDE00']],
    ['<0.name>', [new Tenant('7')], ['tenant%207']],
    ['<0.name>', [new SubTenant('7')], ['tenant%207']],
    ['<0.name>', [Tenant], ['Tenant']],
    ['<0.id>', [Object.create({ id: 'inherited' })], ['inherited']],
    ['<0.id>', [Object.assign(Object.create(null) as object, { id: 1 })], ['1']],
    ['<0.toString>', [{ toString: 'own' }], ['own']],
    ['<0.__proto__>', [JSON.parse('{"__proto__":"own"}')], ['own']],
    ['<0.host>', [new URL('http://example.org/')], ['example.org']],
    ['<0.id>', [new Proxy({}, { get: (_, name) => (name === 'id' ? 'p' : undefined) })], ['p']],
  ])('%s of %j', (source, args, keys) => {
    expect(parseKeyTemplate(source, METHOD_ROOTS).render(methodScope(undefined, args))).toEqual(keys);
  });

  it('a template reads properties of `this`, and the roots of a request', () => {
    const tenant = new Tenant('7');
    expect(parseKeyTemplate('job:<this.id>:<0>', METHOD_ROOTS).render(methodScope(tenant, [1]))).toEqual(['job:7:1']);
    const request: Record<string, unknown> = { params: { id: 1 }, headers: { 'x-tenant': 't' } };
    expect(parseKeyTemplate('<params.id>/<headers.x-tenant>', REQUEST_ROOTS).render((root) => request[root])).toEqual([
      '1/t',
    ]);
  });

  it.each<[string, unknown[], string]>([
    [
      'order:<0.id>',
      [{}],
      '<0.id> has no usable value: 0.id is undefined. Pass a value there, or make the key of something that is always set.',
    ],
    ['<0>', [null], '<0> has no usable value: 0 is null. Pass a value there,'],
    ['<1>', ['a'], '<1> has no usable value: 1 is undefined. Pass a value there,'],
    ['<0.customer.id>', [{}], '<0.customer.id> has no usable value: 0.customer is undefined. Pass a value there,'],
    ['<0.customer.id>', [{ customer: null }], '<0.customer.id> has no usable value: 0.customer is null. Pass'],
    [
      '<0>',
      [{ secret: 's3cret' }],
      '<0> has no usable value: 0 is an object. Name a property inside it, such as <0.id>; of a Date, pass its getTime().',
    ],
    ['<0.at>', [{ at: new Date() }], '<0.at> has no usable value: 0.at is an object. Name a property'],
    ['<0>', [new String('boxed')], '<0> has no usable value: 0 is an object. Name a property'],
    [
      '<0.a>',
      [{ a: ['s3cret'] }],
      '<0.a> has no usable value: 0.a is an array. Write <0.a[]> for one key per element, or <0.a[0]> for one of them.',
    ],
    ['<0>', [() => 's3cret'], '<0> has no usable value: 0 is a function. Use a property or a getter, which hold data.'],
    ['<0.label>', [new Tenant('7')], '<0.label> has no usable value: 0.label is a function. Use a property'],
    ['<0>', [Symbol('s3cret')], '<0> has no usable value: 0 is a symbol. Use a string or a number.'],
    ['<0>', [NaN], '<0> has no usable value: 0 is NaN. Check the number before the call.'],
    ['<0>', [-Infinity], '<0> has no usable value: 0 is -Infinity. Check the number before the call.'],
    ['<0.id.x>', [{ id: 'text' }], '<0.id.x> has no usable value: 0.id.x is undefined. Pass'],
    ['<0.length>', ['text'], '<0.length> has no usable value: 0.length is undefined. Pass'],
    ['<0[1]>', [['a']], '<0[1]> has no usable value: 0[1] is undefined. Pass'],
    ['<0[]>', [['a', undefined]], '<0[]> has no usable value: 0[1] is undefined. Pass'],
    ['<0[]>', [sparse], '<0[]> has no usable value: 0[0] is undefined. Pass'],
    [
      '<0[].lines[].sku>',
      [[...orders, { lines: [{ sku: 1 }, {}] }]],
      '<0[].lines[].sku> has no usable value: 0[3].lines[1].sku is undefined. Pass',
    ],
    ['<0[].a.b>', [[{ a: { b: 1 } }, {}]], '<0[].a.b> has no usable value: 0[1].a is undefined. Pass'],
    [
      '<0.a[].b>',
      [{}],
      '<0.a[].b> goes through the elements of 0.a, which is undefined. Pass an array there, or remove the "[]"; of a Set or Map, pass [...it].',
    ],
    ['<0[]>', [new Set(['s3cret'])], '<0[]> goes through the elements of 0, which is an object. Pass an array'],
    ['<0[]>', ['s3cret'], '<0[]> goes through the elements of 0, which is a string. Pass an array'],
    ['<0[]>', [{ length: 1, 0: 'a' }], '<0[]> goes through the elements of 0, which is an object. Pass an array'],
    ['<0[][]>', [[['a'], 7]], '<0[][]> goes through the elements of 0[1], which is a number. Pass an array'],
    ['<0>:<0[]>', ['text'], '<0> goes through the elements of 0, which is a string. Pass an array'],
    ['<0[]>', [[]], 'it names no key, as 0 has no elements. Do not call with nothing to lock.'],
    ['<0[].lines[].sku>:<0[].id>', [[orders[1]]], 'it names no key, as 0[].lines has no elements. Do not call'],
    ['<0>', [''], 'the key is empty. Pass a text that is not, and put a name before it, such as "order:<0>".'],
    ['<0[]>', [['a', '']], 'the key is empty. Pass a text'],
    ['<this.name>', [], '<this.name> has no usable value: this is undefined. Pass'],
  ])('%s of %p', (source, args, problem) => {
    const error = thrownBy(source, args);
    expect(error).toBeInstanceOf(LockKeyError);
    expect(error.message).toContain(`Key template ${JSON.stringify(source)}: ${problem}`);
    expect(error.message).not.toContain('s3cret');
    expect(error.cause).toBeUndefined();
  });

  const outer: unknown = runInNewContext('({ a: [], f() {} })');
  it.each<[string, unknown]>([
    ['<0.constructor>', {}],
    ['<0.constructor.name>', new Tenant('7')],
    ['<0.constructor.name>', outer],
    ['<0.__proto__>', {}],
    ['<0.__proto__.name>', new Tenant('7')],
    ['<0.__proto__.__proto__>', outer],
    ['<0.toString>', {}],
    ['<0.toString.name>', {}],
    ['<0.toString.name>', outer],
    ['<0.a.push.name>', outer],
    ['<0.f.call.name>', outer],
    ['<0.push.name>', []],
    ['<0.call.name>', () => 1],
    ['<0.size>', new Map([[1, 1]])],
    ['<0.message>', new Error()],
    ['<0.trim.name>', 'text'],
    ['<0.toFixed.name>', 1],
    ['<0[0]>', 'text'],
  ])('a template finds no value in built-in properties: %s', (source, value) => {
    expect(thrownBy(source, [value]).message).toMatch(/ is undefined\. /);
  });

  it('a template finds no value in a polluted Object.prototype', () => {
    const polluted = Object.prototype as { lockTenant?: string };
    polluted.lockTenant = 'everyone';
    try {
      expect(thrownBy('<0.lockTenant>', [{}]).message).toContain('0.lockTenant is undefined');
    } finally {
      delete polluted.lockTenant;
    }
  });

  it('render reads every property once, also if placeholders share it', () => {
    const reads: string[] = [];
    const watched = (value: object): object =>
      new Proxy(value, {
        get(target, name) {
          reads.push(String(name));
          return Reflect.get(target, name) as unknown;
        },
      });
    const lines = [1, 2].map((sku) => watched({ sku }));
    const order = watched({ id: 'o', lines: watched(lines) });
    const keys = parseKeyTemplate(
      '<0.order.id>:<0.order.lines[].sku>:<0.order.id>:<0.order.lines[].sku>',
      METHOD_ROOTS,
    );
    expect(keys.render(methodScope(undefined, [watched({ order })]))).toEqual(['o:1:o:1', 'o:2:o:2']);
    expect(reads).toEqual(['order', 'id', 'lines', 'length', '0', 'sku', '1', 'sku']);
  });

  it('a template can be rendered again from within a getter', () => {
    const template = parseKeyTemplate('<0.a>:<0.b>', METHOD_ROOTS);
    const outerCall = {
      a: 1,
      get b() {
        return template.render(methodScope(undefined, [{ a: 2, b: 3 }]))[0];
      },
    };
    expect(template.render(methodScope(undefined, [outerCall]))).toEqual(['1:2%3A3']);
  });

  const boom = new Error('s3cret');
  const throwing = {
    get id(): string {
      throw boom;
    },
  };
  const throwingArray = new Proxy(['a'], {
    get() {
      throw boom;
    },
  });
  it.each<[string, unknown, string]>([
    ['<0.id>', throwing, '0.id'],
    ['<0[].id>', [{ id: 1 }, throwing], '0[1].id'],
    ['<0[]>', throwingArray, '0'],
  ])('the error of a getter or Proxy is kept as the cause: %s', (source, value, path) => {
    const error = thrownBy(source, [value]);
    expect(error).toBeInstanceOf(LockKeyError);
    expect(error.message).toBe(
      `Key template ${JSON.stringify(source)}: ${source} could not be read: ${path} threw an error, ` +
        'which is the cause of this one. Use a property that can be read at the time of the call.',
    );
    expect(error.cause).toBe(boom);
  });

  it('the error for a revoked Proxy says that it cannot be used', () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    expect(thrownBy('<0>', [proxy]).message).toContain('0 is an object');
    expect(thrownBy('<0[]>', [proxy]).cause).toBeInstanceOf(TypeError);
    expect(thrownBy('<0.a>', [proxy]).cause).toBeInstanceOf(TypeError);
  });

  it('an error of a scope is wrapped, unless it is a LockKeyError', () => {
    const template = parseKeyTemplate('<user.id>', REQUEST_ROOTS);
    const scope = (error: Error) => () => {
      throw error;
    };
    const own = new LockKeyError('a message has no user');
    expect(() => template.render(scope(own))).toThrow(own);
    expect(() => template.render(scope(boom))).toThrow(
      expect.objectContaining({ name: 'LockKeyError', cause: boom, message: expect.stringContaining('user threw an') }),
    );
  });

  it('render throws nothing but LockKeyError, whatever the arguments', () => {
    const sources = [
      '<0>',
      '<0.a>:<1>',
      '<0[]>',
      '<0[].a>|<0[].b[]>',
      '<this.a.b>',
      '<0[0].a>',
      '<0.toString>',
      '<0.x[].y>',
    ];
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      key: fc.constantFrom('a', 'b', 'x', 'y', 'toString', '__proto__', 'length', '0'),
    });
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.bigInt(), fc.boolean(), anything);
    const item = fc.record({ a: leaf, b: fc.array(leaf), x: fc.array(fc.record({ y: leaf })) });
    const argument = fc.oneof(anything, leaf, item, fc.array(item));
    const templates = sources.map((source) => parseKeyTemplate(source, METHOD_ROOTS));
    const outcomes = { keys: 0, errors: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...templates),
        fc.oneof(anything, fc.record({ a: item })),
        fc.array(argument, { maxLength: 3 }),
        (template, self, args) => {
          try {
            const keys = template.render(methodScope(self, args));
            outcomes.keys++;
            expect(keys.length).toBeGreaterThan(0);
            for (const key of keys) expect(key).toMatch(/^[^]+$/);
          } catch (error) {
            if (!isLockKeyError(error)) throw error;
            outcomes.errors++;
          }
        },
      ),
      { numRuns: 5000 },
    );
    expect(outcomes.keys).toBeGreaterThan(100);
    expect(outcomes.errors).toBeGreaterThan(100);
  });
});

function thrownBy(source: string, args: unknown[]): LockKeyError {
  const template = parseKeyTemplate(source, METHOD_ROOTS);
  try {
    template.render(methodScope(undefined, args));
  } catch (error) {
    return error as LockKeyError;
  }
  throw new Error('nothing was thrown');
}
