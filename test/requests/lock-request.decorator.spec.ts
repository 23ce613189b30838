import { describe, expect, it } from '@jest/globals';
import { LockConfigurationError, LockRequest } from '../../lib/index.js';

describe('@LockRequest', () => {
  const decorate = (target: object, name?: string, descriptor?: PropertyDescriptor): void => {
    const decorator: (...args: never[]) => unknown = LockRequest('a');
    decorator(...([target, name, descriptor] as never[]));
  };

  it('@LockRequest refuses anything but handlers and classes', () => {
    class Target {
      get accessor() {
        return Math.random();
      }
    }
    const accessor = Object.getOwnPropertyDescriptor(Target.prototype, 'accessor');
    for (const use of [
      () => decorate(Target, 'static', { value: () => 1 }),
      () => decorate(Target.prototype, 'accessor', accessor),
      () => decorate(Target.prototype, 'property'),
    ]) {
      expect(use).toThrow(LockConfigurationError);
      expect(use).toThrow('only methods of instances and classes');
    }
  });

  it('@LockRequest is refused twice on one handler or class, where one lock would be lost', () => {
    class Target {
      name = 'target';
    }
    const descriptor = { value: () => 1 };
    decorate(Target);
    decorate(Target.prototype, 'method', descriptor);
    expect(() => decorate(Target)).toThrow('twice on Target');
    expect(() => decorate(Target.prototype, 'method', descriptor)).toThrow('twice on method');
  });

  it('@LockRequest checks template and options at decoration', () => {
    expect(() => LockRequest('order:<parms.id>')).toThrow('unknown root "parms"');
    expect(() => LockRequest('order', { timeout: -1 })).toThrow(LockConfigurationError);
    expect(() => LockRequest('order', { onUnavailable: 'ignore' as 'skip' })).toThrow('onUnavailable');
    expect(() => LockRequest('order', { retry: 1 } as object)).toThrow('"retry" is not an option');
  });
});
