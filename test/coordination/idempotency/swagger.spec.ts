import { expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Idempotent } from '../../../lib/index.js';
import { useLockingApps } from '../../support/nest-apps.js';

@Controller()
class Payments {
  @Post('plain')
  @Idempotent()
  plain(): string {
    return 'paid';
  }

  @Idempotent({ header: 'X-Key', required: false })
  @ApiOkResponse({ description: 'paid' })
  @ApiHeader({ name: 'X-Tenant' })
  @Post('named')
  named(): string {
    return 'paid';
  }

  @ApiHeader({ name: 'X-Tenant' })
  @Idempotent()
  @ApiHeader({ name: 'idempotency-key', description: 'of its own' })
  @Post('described')
  described(): string {
    return 'paid';
  }
}

const startApp = useLockingApps();

it('the OpenAPI document names the header of @Idempotent, unless the application does', async () => {
  const app = await startApp({ controllers: [Payments] });
  const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  const key = {
    in: 'header',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    description: expect.any(String),
  };
  expect(paths['/plain']?.post?.parameters).toEqual([{ ...key, name: 'Idempotency-Key', required: true }]);
  expect(Object.keys(paths['/plain']?.post?.responses ?? {})).toEqual(['201']);
  expect(paths['/named']?.post?.parameters).toEqual([
    expect.objectContaining({ name: 'X-Tenant' }),
    { ...key, name: 'X-Key', required: false },
  ]);
  expect(paths['/described']?.post?.parameters).toEqual([
    expect.objectContaining({ name: 'idempotency-key', description: 'of its own' }),
    expect.objectContaining({ name: 'X-Tenant' }),
  ]);
});
