import { describe, expect, it } from '@jest/globals';
import { isLockConfigurationError, isLockKeyError, WithLock, type WithLockOptions } from '../../lib/index.js';
import { thrown } from '../support/nest-apps.js';

type UntypedDecorator = (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => void;

/** `WithLock` without types, as plain JavaScript could call it. */
const untyped = WithLock as unknown as (key: unknown, options?: unknown) => UntypedDecorator;

describe('@WithLock: what fails when the class is defined', () => {
  it.each([
    ['a placeholder that is not closed', 'order:<0'],
    ['an empty placeholder', 'order:<>'],
    ['a root that does not exist', 'order:<id>'],
    ['a root of @LockRequest', 'order:<params.id>'],
    ['an empty segment', 'order:<0..id>'],
    ['white space', 'order:<0 .id>'],
    ['a bracket that is not closed', 'order:<0.lines[.sku>'],
    ['a negative index', 'order:<0[-1]>'],
    ['nothing', ''],
  ])('@WithLock refuses a template with %s', (_what, template) => {
    const error = thrown(() => {
      class Orders {
        @WithLock(template)
        async pay(id: string): Promise<string> {
          return Promise.resolve(id);
        }
      }
      return Orders;
    });
    expect(isLockKeyError(error)).toBe(true);
    expect(String(error)).toContain(JSON.stringify(template));
  });

  it.each([
    ['undefined', undefined],
    ['a number', 42],
    ['an object', { key: 'order:<0>' }],
  ] as const)('@WithLock refuses a key that is %s', (_what, key) => {
    expect(isLockKeyError(thrown(() => untyped(key)))).toBe(true);
  });

  it.each<[string, object]>([
    ['unknown', { ttl: 5 }],
    ['misspelt', { timeOut: '5s' }],
    ['a timeout that cannot be read', { timeout: '5 minutes' }],
    ['a timeout in milliseconds by mistake', { timeout: 5000 }],
    ['a negative timeout', { timeout: -1 }],
    ['a lease of nothing', { expire: 0 }],
    ['a lease that is not a number', { expire: NaN }],
    ['an empty owner', { ownerId: '' }],
    ['a bad maxHold', { maxHold: 'forever' }],
    ['a bad minHold', { minHold: -5 }],
    ['onUnavailable that is no choice', { onUnavailable: 'ignore' }],
    ['onUnavailable that is null', { onUnavailable: null }],
  ])('a wrong option is refused: %s', (_what, options) => {
    const error = thrown(() => {
      class Orders {
        @WithLock('order:<0>', options as WithLockOptions)
        async pay(id: string): Promise<string> {
          return Promise.resolve(id);
        }
      }
      return Orders;
    });
    expect(isLockConfigurationError(error)).toBe(true);
  });

  it('the error of a wrong option names the option and the remedy', () => {
    expect(() => WithLock('a', { timeout: 5000 })).toThrow(/timeout.*'?5000ms|5s'?/s);
    expect(() => untyped('a', { ttl: 5 })).toThrow(/"ttl".*expire/s);
    expect(() => untyped('a', { onUnavailable: 'ignore' })).toThrow(/onUnavailable.*'throw'.*'skip'/s);
  });

  it('@WithLock on a static method is refused', () => {
    const error = thrown(() => {
      class Orders {
        readonly id = 1;

        @WithLock('a')
        static async pay(): Promise<void> {
          return Promise.resolve();
        }
      }
      return Orders;
    });
    expect(error).toMatchObject({ code: 'LOCK_CONFIGURATION', message: expect.stringContaining('@WithLock on pay') });
  });

  it('@WithLock on a property is refused', () => {
    const decorate = untyped('a');
    const error = thrown(() => {
      class Orders {
        @decorate
        pay = async (): Promise<void> => Promise.resolve();
      }
      return Orders;
    });
    expect(error).toMatchObject({ code: 'LOCK_CONFIGURATION', message: expect.stringContaining('@WithLock on pay') });
  });

  it('@WithLock on an accessor is refused', () => {
    const decorate = untyped('a');
    const error = thrown(() => {
      class Orders {
        @decorate
        get total(): number {
          return Date.now();
        }
      }
      return Orders;
    });
    expect(error).toMatchObject({ code: 'LOCK_CONFIGURATION', message: expect.stringContaining('@WithLock on total') });
  });

  it('@WithLock on a class is refused', () => {
    const decorate = untyped('a');
    const error = thrown(() => {
      @(decorate as unknown as ClassDecorator)
      class Orders {}
      return Orders;
    });
    expect(isLockConfigurationError(error)).toBe(true);
  });
});
