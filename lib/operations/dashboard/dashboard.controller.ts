import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Post,
  Query,
  Req,
  Res,
  SetMetadata,
  Sse,
  UseGuards,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { DashboardService } from './dashboard.service.js';
import { FASTIFY_ROUTE_CONFIG, PAGE_MARK, servePageWithSlash } from './fastify-slash.js';
import { CONTENT_SECURITY_POLICY, PAGE } from './page/page.js';
import { HostGuard } from './host-guard.js';
import type { PageRequest } from './page-request.js';
import type { DashboardPlan } from './read-dashboard-options.js';
import type { ViewMessage } from './viewers.js';

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** The controller of one dashboard: its path and guards are what the application has chosen. */
export function createDashboardController({ path, guards, allowedHosts, trustProxy }: DashboardPlan): Type {
  const mark = {};

  @Controller(path)
  @UseGuards(new HostGuard(allowedHosts, trustProxy), ...(guards as Type[]))
  class LockingDashboardController {
    constructor(
      @Inject(DashboardService) private readonly dashboard: DashboardService,
      @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    ) {
      servePageWithSlash(host.httpAdapter, mark);
    }

    /** Answered by hand: an interceptor of the application is not to wrap the page. */
    @Get()
    @SetMetadata(FASTIFY_ROUTE_CONFIG, { [PAGE_MARK]: mark })
    page(@Res() response: unknown): void {
      const { httpAdapter } = this.host;
      for (const [name, value] of Object.entries(HEADERS)) httpAdapter.setHeader(response, name, value);
      httpAdapter.reply(response, PAGE, 200);
    }

    @Sse('events')
    events(
      @Query() query: object,
      @Req() request: object,
      @Res({ passthrough: true }) response: object,
    ): Observable<ViewMessage> {
      return this.dashboard.watch(query as Record<string, unknown>, request as PageRequest, response);
    }

    @Post('release')
    @HttpCode(200)
    async release(@Req() request: object, @Body() body: object): Promise<{ released: boolean }> {
      return this.dashboard.release(request as PageRequest, body);
    }
  }
  return LockingDashboardController;
}
