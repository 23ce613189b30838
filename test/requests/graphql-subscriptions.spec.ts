import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Inject } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { WebSocket } from 'ws';
import { LockingService, LockRequest } from '../../lib/index.js';
import { TestApp, until } from './support.js';

let began: (readonly string[] | undefined)[];

/** An iterator of events from elsewhere, like those of `graphql-subscriptions`. */
class Events {
  private readonly values = [1, 2];

  async next(): Promise<IteratorResult<object>> {
    const value = this.values.shift();
    return Promise.resolve(value ? { value: { events: value }, done: false } : { value: undefined, done: true });
  }

  async return(): Promise<IteratorResult<object>> {
    return Promise.resolve({ value: undefined, done: true });
  }

  async throw(error: Error): Promise<IteratorResult<object>> {
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

@Resolver()
@LockRequest('feed')
class FeedResolver {
  constructor(@Inject(LockingService) private readonly locking: LockingService) {}

  @Query(() => String)
  needed(): string {
    return 'a schema without a query is none';
  }

  @Subscription(() => Number)
  events(): AsyncIterable<object> {
    began.push(this.locking.current()?.keys);
    return new Events();
  }

  @Subscription(() => Number)
  async *generated(): AsyncGenerator<object> {
    began.push(this.locking.current()?.keys);
    yield Promise.resolve({ generated: 1 });
  }
}

describe('@LockRequest on GraphQL subscriptions', () => {
  let test: TestApp;
  let client: WebSocket;
  const messages: { type: string; payload?: unknown }[] = [];
  beforeEach(async () => {
    began = [];
    messages.length = 0;
    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      subscriptions: { 'graphql-ws': true },
    });
    test = await TestApp.start('express', { imports: [graphql], providers: [FeedResolver] });
    client = new WebSocket(`${test.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    client.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
    await once(client, 'open');
    client.send(JSON.stringify({ type: 'connection_init' }));
    await until(() => messages.some(({ type }) => type === 'connection_ack'));
  });
  afterEach(async () => {
    client.terminate();
    await test.close();
  });

  const subscribe = (query: string): void => {
    client.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
  };

  it('@LockRequest locks the creation of the iterator of a subscription', async () => {
    subscribe('subscription { events }');
    await until(() => messages.some(({ type }) => type === 'complete'));
    expect(messages.filter(({ type }) => type === 'next').map(({ payload }) => payload)).toEqual([
      { data: { events: 1 } },
      { data: { events: 2 } },
    ]);
    expect(began).toEqual([['feed']]);
    await test.untilFree('feed');
  });

  it('@LockRequest refuses a generator, which would run without the lock', async () => {
    subscribe('subscription { generated }');
    await until(() => messages.some(({ type }) => type === 'complete'));
    expect(JSON.stringify(messages)).toContain('@LockRequest on FeedResolver.generated: the handler is a generator');
    expect(began).toEqual([]);
    await test.untilFree('feed');
  });
});
