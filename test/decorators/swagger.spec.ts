import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiResponse,
  DocumentBuilder,
  SwaggerModule,
} from '@nestjs/swagger';
import { WithLock } from '../../lib/index.js';
import { useLockingApps } from '../support/nest-apps.js';

class OrderDto {
  @ApiProperty()
  id!: string;
}

function unlocked(): MethodDecorator {
  return () => undefined;
}

/** The same documented controller, with `outer` above and `inner` below the decorators of Swagger. */
function documented(outer: () => MethodDecorator, inner: () => MethodDecorator): new () => object {
  @Controller('orders')
  class OrdersController {
    @outer()
    @ApiOperation({ summary: 'Finds an order' })
    @ApiOkResponse({ type: OrderDto, description: 'the order' })
    @ApiResponse({ status: 404, description: 'no such order' })
    @ApiQuery({ name: 'deep', required: false })
    @Get(':id')
    @inner()
    async find(@Param('id') id: string): Promise<OrderDto> {
      return Promise.resolve({ id });
    }

    @outer()
    @Post()
    @inner()
    async create(@Body() order: OrderDto): Promise<OrderDto> {
      return Promise.resolve(order);
    }
  }
  return OrdersController;
}

describe('@WithLock with @nestjs/swagger', () => {
  const startApp = useLockingApps();
  const lock = (): MethodDecorator => WithLock('order:<0>') as MethodDecorator;

  const describeApi = async (controller: new () => object): Promise<object> => {
    const app = await startApp({ controllers: [controller] });
    const { paths, components } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    return { paths, components };
  };

  it.each([
    ['above', lock, unlocked],
    ['below', unlocked, lock],
    ['above and below', lock, lock],
  ])('Swagger documents a locked method like one without a lock; the lock is %s', async (_place, outer, inner) => {
    const document = await describeApi(documented(outer, inner));
    expect(document).toEqual(await describeApi(documented(unlocked, unlocked)));
    expect(document).toMatchObject({
      paths: {
        '/orders/{id}': {
          get: {
            operationId: 'OrdersController_find',
            summary: 'Finds an order',
            parameters: [{ name: 'id' }, { name: 'deep' }],
            responses: {
              '200': {
                description: 'the order',
                content: { 'application/json': { schema: { $ref: '#/components/schemas/OrderDto' } } },
              },
              '404': { description: 'no such order' },
            },
          },
        },
        '/orders': {
          post: {
            requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/OrderDto' } } } },
          },
        },
      },
    });
  });
});
