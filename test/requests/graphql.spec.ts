import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, UseInterceptors } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Args, GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { LockBackendError, LockExceptionFilter, LockingService, LockRequest } from '../../lib/index.js';
import { Desk, Limiting, TestApp, until } from './support.js';

@Resolver()
@LockRequest('tenant:<context.req.headers.x-tenant>')
class OrdersResolver {
  constructor(
    @Inject(Desk) private readonly desk: Desk,
    @Inject(LockingService) private readonly locking: LockingService,
  ) {}

  @Query(() => [String])
  keys(): readonly string[] {
    return this.locking.current()?.keys ?? [];
  }

  @Mutation(() => String)
  @LockRequest('order:<args.id>')
  async pay(@Args('id') _id: string, @Args('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Mutation(() => String)
  @UseInterceptors(Limiting)
  @LockRequest('order:<args.id>')
  async limited(@Args('id') _id: string, @Args('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Query(() => [String])
  @LockRequest('user:<user.id>')
  user(): readonly string[] {
    return this.keys();
  }

  @Query(() => String, { nullable: true })
  @LockRequest('busy', { timeout: 0, onUnavailable: 'skip' })
  skip(): string | undefined {
    return 'handled';
  }

  @Query(() => String)
  @LockRequest('busy', { timeout: 0 })
  busy(): string {
    return 'handled';
  }

  @Query(() => String)
  down(): string {
    const cause = new Error('connect ECONNREFUSED 10.0.0.7:6379');
    throw new LockBackendError(['customer:bob@x.org'], `Could not lock "customer:bob@x.org": ${cause.message}`, {
      cause,
    });
  }

  @Query(() => String)
  @LockRequest('order:<params.id>')
  wrong(): string {
    return 'handled';
  }
}

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: string } }[];
}

describe('@LockRequest on GraphQL', () => {
  let desk: Desk;
  let test: TestApp;
  beforeEach(async () => {
    desk = new Desk();
    test = await TestApp.start(
      'express',
      {
        imports: [
          GraphQLModule.forRoot<ApolloDriverConfig>({
            driver: ApolloDriver,
            autoSchemaFile: true,
            context: ({ req }: { req: { user?: unknown } }) => {
              req.user = { id: 5 };
              return { req };
            },
          }),
        ],
        providers: [OrdersResolver, { provide: Desk, useValue: desk }],
      },
      (app) => app.useGlobalFilters(new LockExceptionFilter()),
    );
  });
  afterEach(async () => test.close());

  const ask = async (query: string): Promise<Answer> => {
    const headers = { 'content-type': 'application/json', 'x-tenant': 'acme' };
    const { text } = await test.get('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
    return JSON.parse(text) as Answer;
  };

  it('the lock is held until the resolver has ended, although an inner interceptor has given up on it', async () => {
    const first = ask('mutation { limited(id: "7", name: "a") }');
    await until(() => desk.has('a starts'));
    Limiting.over.next();
    expect((await first).errors).toEqual([expect.objectContaining({ message: 'timed out' })]);
    const second = ask('mutation { limited(id: "7", name: "b") }');
    await test.untilWaiting('order:7');
    expect(desk.events).toEqual(['a starts']);
    desk.gate('a').resolve();
    desk.gate('b').resolve();
    expect((await second).data).toEqual({ limited: 'b' });
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  it('one GraphQL operation runs at a time, until its field is resolved', async () => {
    const first = ask('mutation { pay(id: "7", name: "a") }');
    await until(() => desk.has('a starts'));
    const second = ask('mutation { pay(id: "7", name: "b") }');
    await test.untilWaiting('order:7');
    desk.gate('a').resolve();
    desk.gate('b').reject(new Error('no'));
    expect(await first).toEqual({ data: { pay: 'a' } });
    expect((await second).errors?.[0]?.message).toBe('no');
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
    expect(await test.isHeld('order:7')).toBe(false);
  });

  it('several fields of one operation can be locked', async () => {
    for (const name of ['a', 'b']) desk.gate(name).resolve();
    const both = await ask('mutation { x: pay(id: "7", name: "a"), y: pay(id: "7", name: "b") }');
    expect(both).toEqual({ data: { x: 'a', y: 'b' } });
  });

  it.each([
    ['{ keys }', { keys: ['tenant:acme'] }],
    ['{ user }', { user: ['user:5'] }],
  ])('keys may be made of the GraphQL context: %s', async (query, data) => {
    expect(await ask(query)).toEqual({ data });
  });

  it('the error of a key names what a GraphQL operation does not have', async () => {
    const { errors } = await ask('{ wrong }');
    expect(errors?.[0]?.message).toContain('a GraphQL operation has no "params". There are: args, context, user.');
  });

  it('a busy field resolves null with skip, and fails without', async () => {
    await test.locking.acquire('busy');
    expect(await ask('{ skip }')).toEqual({ data: { skip: null } });
    const { errors } = await ask('{ busy }');
    expect(errors).toMatchObject([
      { message: 'The resource is busy, try again later.', extensions: { code: 'LOCK_TIMEOUT' } },
    ]);
  });

  it('errors for GraphQL clients contain neither keys nor addresses of the store', async () => {
    const { errors } = await ask('{ down }');
    expect(errors).toMatchObject([
      {
        message: 'The service cannot process the request at the moment, try again later.',
        extensions: { code: 'LOCK_BACKEND' },
      },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/bob|10\.0\.0\.7|ECONNREFUSED/);
    expect(test.log.lines).toEqual([expect.stringContaining('ECONNREFUSED 10.0.0.7:6379')]);
  });

  it('a GraphQL operation whose lock is lost fails', async () => {
    const answer = ask('mutation { pay(id: "7", name: "a") }');
    await until(() => desk.has('a starts'));
    await test.locking.forceRelease('order:7');
    desk.gate('a').resolve();
    expect((await answer).errors).toMatchObject([
      { message: expect.stringContaining('lost to another request'), extensions: { code: 'LOCK_LOST' } },
    ]);
    expect(test.log.lines).toEqual([expect.stringContaining('is no longer held')]);
  });
});
