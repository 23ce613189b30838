import {
  LockingModule,
  RedisLockingProvider,
  type LeaseStore,
  type LockingModuleOptionsFactory,
  type LockingProviderContext,
} from 'nestjs-locking';

interface Endpoints {
  endpoints: string[];
}

interface OtherProvider extends LeaseStore {
  readonly options: Endpoints;
}

declare const OtherProvider: {
  new (options: Endpoints, context: LockingProviderContext): OtherProvider;
  readonly identifier: string;
};

/** The type of the options is that of the class in `resolve`, for classes of other packages as well, without a cast. */
export const modules = [
  LockingModule.forRoot(),
  LockingModule.forRoot({
    providers: [
      { resolve: OtherProvider, options: { endpoints: ['a'] } },
      { resolve: RedisLockingProvider, is_default: true, options: { redisUrl: 'redis://localhost' } },
    ],
  }),
  LockingModule.forRoot({
    // @ts-expect-error -- a list is asked for
    providers: [{ resolve: OtherProvider, options: { endpoints: 'a' } }],
  }),
  LockingModule.forRoot({
    // @ts-expect-error -- options of another class
    providers: [{ resolve: RedisLockingProvider, options: { endpoints: ['a'] } }],
  }),
  LockingModule.forRootAsync({
    useFactory: () => ({ providers: [{ resolve: OtherProvider, options: { endpoints: ['a'] } }] }),
  }),
  LockingModule.forRootAsync({
    inject: ['config'],
    useFactory: async (config: { url: string }) =>
      Promise.resolve({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl: config.url } }] }),
  }),
];

export class Factory implements LockingModuleOptionsFactory {
  createLockingOptions() {
    return { providers: [{ resolve: OtherProvider, options: { endpoints: ['a'] } }] };
  }
}

export const withFactory = LockingModule.forRootAsync({ useClass: Factory });
