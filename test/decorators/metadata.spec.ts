/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { WithLock } from '../../lib/index.js';
import { useLockingApps } from '../support/nest-apps.js';

const Roles = Reflector.createDecorator<string[]>();

/** A decorator that wraps the function without its metadata: metadata set above it must still be found. */
function Marked(mark: string): MethodDecorator {
  return (_target, _key, descriptor) => {
    Object.assign(descriptor.value as object, { mark });
  };
}

@Injectable()
class Reports {
  @SetMetadata('owner', 'ada')
  @WithLock('report')
  async above(): Promise<void> {
    return Promise.resolve();
  }

  @WithLock('report')
  @SetMetadata('owner', 'ada')
  async below(): Promise<void> {
    return Promise.resolve();
  }

  @Roles(['admin'])
  @SetMetadata('owner', 'ada')
  @WithLock('report')
  @SetMetadata('team', 'core')
  @Marked('x')
  @WithLock('report:<0>')
  @SetMetadata('level', 3)
  async between(_id: string): Promise<void> {
    return Promise.resolve();
  }

  @SetMetadata('level', 2)
  @WithLock('report')
  @SetMetadata('level', 1)
  async twice(): Promise<void> {
    return Promise.resolve();
  }

  @WithLock('report')
  async defaults(_id: string, _rate = 5, ..._rest: unknown[]): Promise<void> {
    return Promise.resolve();
  }

  @WithLock('report')
  async three(_a: unknown, _b: unknown, _c: unknown): Promise<void> {
    return Promise.resolve();
  }
}

const SYMBOL = Symbol('locked');

describe('@WithLock: metadata', () => {
  const startApp = useLockingApps();
  const reflector = new Reflector();
  const methods = Reports.prototype;
  /** The function itself, where Nest's decorators store metadata. */
  const method = (name: keyof Reports): (() => void) => Reflect.get(methods, name) as () => void;

  it.each(['above', 'below', 'between'] as const)('metadata set %s it', (name) => {
    expect(reflector.get<string>('owner', method(name))).toBe('ada');
  });

  it('@WithLock keeps the metadata of every decorator around it, and properties of the function', () => {
    const between = method('between');
    expect(reflector.get(Roles, between)).toEqual(['admin']);
    expect(reflector.get<string>('team', between)).toBe('core');
    expect(reflector.get<number>('level', between)).toBe(3);
    expect((between as unknown as { mark: string }).mark).toBe('x');
  });

  it('@WithLock keeps the metadata that was set last if a key is set twice', () => {
    expect(reflector.get<number>('level', method('twice'))).toBe(2);
  });

  it('@WithLock keeps the name and the number of arguments', () => {
    expect(Object.keys(Object.getOwnPropertyDescriptors(methods)).filter((name) => name !== 'constructor')).toEqual([
      'above',
      'below',
      'between',
      'twice',
      'defaults',
      'three',
    ]);
    for (const name of ['above', 'below', 'between', 'twice', 'defaults', 'three'] as const) {
      expect(method(name).name).toBe(name);
    }
    expect(method('above')).toHaveLength(0);
    expect(method('between')).toHaveLength(1);
    expect(method('three')).toHaveLength(3);
    // like any function's: up to the first default
    expect(method('defaults')).toHaveLength(1);
  });

  it("@WithLock keeps the compiler's types of the parameters and the result", () => {
    expect(Reflect.getMetadata('design:paramtypes', methods, 'between')).toEqual([String]);
    expect(Reflect.getMetadata('design:returntype', methods, 'between')).toBe(Promise);
  });

  it('a decorated method is not enumerable, writable, and configurable, like any method', () => {
    expect(Object.getOwnPropertyDescriptor(methods, 'above')).toMatchObject({
      enumerable: false,
      writable: true,
      configurable: true,
    });
  });

  it('the metadata of one method does not show on another', () => {
    expect(Reflect.getMetadataKeys(method('three'))).toEqual([]);
  });

  it('default arguments reach the method', async () => {
    @Injectable()
    class Rates {
      @WithLock('rate:<0>')
      async get(id: string, rate = 5, { unit = 'eur' } = {}): Promise<string> {
        return Promise.resolve(`${id} ${rate} ${unit}`);
      }
    }
    const rates = (await startApp({ providers: [Rates] })).get(Rates);
    expect(await rates.get('a')).toBe('a 5 eur');
    expect(await rates.get('a', 6, { unit: 'usd' })).toBe('a 6 usd');
  });

  it('@WithLock works on a method named by a symbol', async () => {
    @Injectable()
    class Hidden {
      @WithLock('hidden:<0>')
      async [SYMBOL](id: string): Promise<string> {
        return Promise.resolve(id);
      }
    }
    const hidden = (await startApp({ providers: [Hidden] })).get(Hidden);
    expect(await hidden[SYMBOL]('a')).toBe('a');
    expect(hidden[SYMBOL].name).toBe('[locked]');
  });
});
