import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, Scope, UseInterceptors, type Type } from '@nestjs/common';
import { APP_INTERCEPTOR, REQUEST } from '@nestjs/core';
import { LockingModule, LockingService, LockInterceptor, LockRequest } from '../../lib/index.js';
import { create, Log, PLATFORMS, TestApp } from './support.js';

abstract class KeysController {
  constructor(@Inject(LockingService) private readonly locking: LockingService) {}

  keys(): readonly string[] | undefined {
    return this.locking.current()?.keys;
  }
}

@Controller('class')
@LockRequest('of-class', { timeout: 0, reentrant: false })
class OnClass extends KeysController {
  @Get('inherits')
  inherits() {
    return this.keys();
  }

  @Get('own')
  @LockRequest('of-handler', { timeout: 0, reentrant: false })
  own() {
    return this.keys();
  }
}

@Controller('child')
class Child extends OnClass {}

@Controller('plain')
class Plain extends KeysController {
  @Get('locked')
  // reentrant: false, so that locking twice fails
  @LockRequest('of-handler', { timeout: 0, reentrant: false })
  locked() {
    return this.keys();
  }

  @Get('twice')
  @UseInterceptors(LockInterceptor)
  @LockRequest('of-handler', { timeout: 0, reentrant: false })
  twice() {
    return this.keys();
  }

  @Get('free')
  free() {
    return this.keys() ?? 'free';
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class Scoped {
  constructor(
    @Inject(REQUEST) private readonly request: { url: string },
    @Inject(LockingService) private readonly locking: LockingService,
  ) {}

  @Get()
  @LockRequest('scoped')
  get() {
    return [this.request.url, this.locking.current()?.keys];
  }
}

const BOUND = {
  'by the decorator': { providers: [], configure: () => undefined },
  'by APP_INTERCEPTOR too': {
    providers: [{ provide: APP_INTERCEPTOR, useClass: LockInterceptor }],
    configure: () => undefined,
  },
  'by useGlobalInterceptors too': {
    providers: [LockInterceptor],
    configure: (app: TestApp['app']) => app.useGlobalInterceptors(app.get(LockInterceptor)),
  },
  'by useGlobalInterceptors(new LockInterceptor()) too': {
    providers: [],
    configure: (app: TestApp['app']) => app.useGlobalInterceptors(new LockInterceptor()),
  },
};

describe.each(PLATFORMS)('LockInterceptor (%s)', (platform) => {
  describe.each(Object.entries(BOUND))('bound %s', (_name, { providers, configure }) => {
    let test: TestApp;
    beforeAll(async () => {
      const controllers = [OnClass, Child, Plain, Scoped];
      test = await TestApp.start(platform, { controllers, providers }, configure);
    });
    afterAll(async () => test.close());

    it.each([
      ['/class/inherits', ['of-class']],
      ['/class/own', ['of-handler']],
      ['/child/inherits', ['of-class']],
      ['/child/own', ['of-handler']],
      ['/plain/locked', ['of-handler']],
      ['/plain/twice', ['of-handler']],
      ['/scoped', ['/scoped', ['scoped']]],
    ])('the interceptor locks %s once', async (path, keys) => {
      const { status, text } = await test.get(path);
      expect([status, JSON.parse(text)]).toEqual([200, keys]);
      for (const key of ['of-class', 'of-handler', 'scoped']) await test.untilFree(key);
    });

    it('the interceptor does not lock handlers without @LockRequest', async () => {
      expect((await test.get('/plain/free')).text).toBe('free');
    });
  });

  it('an application with @LockRequest does not start without LockingModule', async () => {
    @Injectable()
    class Locking {}
    @Controller()
    class Lonely {
      @Get()
      @LockRequest('lonely')
      get() {
        return 'never';
      }
    }
    @Module({ imports: [LockingModule.forRoot({ isGlobal: false })], providers: [Locking] })
    class Elsewhere {}

    for (const imports of [[], [Elsewhere]]) {
      const app = await create(platform, imports, { controllers: [Lonely] }).then(
        async (created) => created.init(),
        (error: unknown) => error,
      );
      expect(app).toBeInstanceOf(Error);
      expect((app as Error).message).toMatch(/LockInterceptor.*@LockRequest.*import LockingModule.forRoot\(\)/s);
    }
  });

  it('an application does not start if a decorator above has dropped the lock of a handler', async () => {
    const replace =
      (copies: boolean): MethodDecorator =>
      (_target, _name, descriptor) => {
        const original = descriptor.value as unknown as (...args: unknown[]) => unknown;
        const replacement = async function (this: unknown, ...args: unknown[]) {
          return original.apply(this, args);
        };
        for (const key of copies ? (Reflect.getMetadataKeys(original) as string[]) : []) {
          Reflect.defineMetadata(key, Reflect.getMetadata(key, original), replacement);
        }
        descriptor.value = replacement as never;
      };
    const controllerWith = (...decorators: MethodDecorator[]) => {
      @Controller()
      class Traced {
        async get() {
          return Promise.resolve('locked');
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Traced.prototype, 'get')!;
      for (const decorator of [...decorators, Get()]) decorator(Traced.prototype, 'get', descriptor);
      Object.defineProperty(Traced.prototype, 'get', descriptor);
      @Controller()
      class Child extends Traced {}
      return [Traced, Child];
    };
    const start = async (controller: Type) => {
      const app = await create(platform, [LockingModule.forRoot()], { controllers: [controller] });
      await app.init();
      await app.close();
    };
    for (const controller of controllerWith(LockRequest('a'), replace(false))) {
      await expect(start(controller)).rejects.toThrow(/@LockRequest on Traced.get: a decorator above it/);
    }
    await start(controllerWith(LockRequest('a'), replace(true))[0]!);
    await start(controllerWith(replace(false), LockRequest('a'))[0]!);
  });

  it('a method with @LockRequest that is no handler causes a warning, as it runs without a lock', async () => {
    @Injectable()
    class Payments {
      @LockRequest('pay')
      async pay() {
        return Promise.resolve();
      }
    }
    @Controller()
    class Orders {
      @Get('helper')
      @LockRequest('order')
      async get() {
        return Promise.resolve();
      }

      @LockRequest('order')
      async helper() {
        return Promise.resolve();
      }
    }
    const log = new Log();
    const warn = jest.spyOn(log, 'warn');
    const metadata = { controllers: [Orders], providers: [Payments] };
    await (await create(platform, [LockingModule.forRoot()], metadata, log)).close();
    const warnings = warn.mock.calls.map(([text]) => String(text));
    expect(warnings.map((text) => /^@LockRequest on (.*): nothing makes/.exec(text)?.[1]).sort()).toEqual([
      'Orders.helper',
      'Payments.pay',
    ]);
  });
});
