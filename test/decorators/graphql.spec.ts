/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Injectable, UseGuards, type CanActivate, type INestApplication } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Args,
  Field,
  GraphQLModule,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { LockingService, WithLock } from '../../lib/index.js';
import { Stage, useLockingApps, waiting } from '../support/nest-apps.js';

let guarded = 0;

@Injectable()
class Count implements CanActivate {
  canActivate(): boolean {
    guarded += 1;
    return true;
  }
}

@ObjectType()
class Order {
  @Field(() => ID)
  id!: string;

  @Field(() => [String])
  keys!: readonly string[];
}

@InputType()
class PayInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;
}

@Resolver(() => Order)
class OrdersResolver {
  readonly stage = new Stage();

  constructor(private readonly locking: LockingService) {}

  @Query(() => Order)
  @WithLock('order:<0>')
  async above(@Args('id', { type: () => ID }) id: string): Promise<Order> {
    return Promise.resolve({ id, keys: this.keys() });
  }

  @WithLock('order:<0>')
  @UseGuards(Count)
  @Query(() => Order)
  async below(@Args('id', { type: () => ID }) id: string): Promise<Order> {
    return Promise.resolve({ id, keys: this.keys() });
  }

  // the input is an object without a prototype
  @Mutation(() => Order)
  @WithLock('order:<0.id>')
  async pay(@Args('input') { id, name }: PayInput): Promise<Order> {
    await this.stage.enter(name);
    return { id, keys: this.keys() };
  }

  @WithLock('total:<0.id>')
  @ResolveField(() => [String])
  async total(@Parent() _order: Order): Promise<readonly string[]> {
    return Promise.resolve(this.keys());
  }

  private keys(): readonly string[] {
    return this.locking.current()?.keys ?? [];
  }
}

describe('@WithLock on a GraphQL resolver', () => {
  const startApp = useLockingApps();

  const start = async (): Promise<{ app: INestApplication; ask: (query: string) => Promise<unknown> }> => {
    const app = await startApp({
      imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true })],
      providers: [OrdersResolver],
    });
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/graphql`;
    const ask = async (query: string): Promise<unknown> => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
      return response.json();
    };
    return { app, ask };
  };

  it('@WithLock above or below keeps queries, arguments, guards and field resolvers', async () => {
    guarded = 0;
    const { ask } = await start();
    expect(await ask('{ above(id: 1) { id keys total } below(id: 2) { id keys total } }')).toEqual({
      data: {
        above: { id: '1', keys: ['order:1'], total: ['total:1'] },
        below: { id: '2', keys: ['order:2'], total: ['total:2'] },
      },
    });
    expect(guarded).toBe(1);
  });

  it('mutations are locked per key', async () => {
    const { app, ask } = await start();
    const { stage } = app.get(OrdersResolver);
    const pay = async (name: string): Promise<unknown> =>
      ask(`mutation { pay(input: { id: 1, name: "${name}" }) { keys } }`);
    const first = pay('first');
    await stage.entered('first');
    const second = pay('second');
    await waiting(app, 'order:1');
    expect(stage.inside).toEqual(['first']);
    stage.leave('first');
    await stage.entered('second');
    stage.leave('second');
    const answer = { data: { pay: { keys: ['order:1'] } } };
    expect(await Promise.all([first, second])).toEqual([answer, answer]);
  });
});
