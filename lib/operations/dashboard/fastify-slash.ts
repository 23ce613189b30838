import type { HttpAdapterHost } from '@nestjs/core';

type HttpAdapter = HttpAdapterHost['httpAdapter'];

/** Under this name the adapter of Nest keeps what becomes the `config` of a Fastify route. */
export const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';

/** In the `config` of the route that is the page of a dashboard. */
export const PAGE_MARK = 'nestjs-locking:dashboard';

interface FastifyRoute {
  readonly method: string | readonly string[];
  readonly url: string;
  readonly handler: unknown;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly constraints?: unknown;
}

interface Fastify {
  readonly initialConfig?: RouterOptions & { readonly routerOptions?: RouterOptions };
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): unknown;
  route(route: FastifyRoute): unknown;
}

interface RouterOptions {
  readonly ignoreTrailingSlash?: boolean;
}

/**
 * Has Fastify serve the page with a slash at the end of its path, too, as Express does by itself. It is the same handler, behind the
 * same guards. Called before Nest registers its routes.
 *
 * @param mark - the value of {@link PAGE_MARK} of this dashboard
 */
export function servePageWithSlash(adapter: HttpAdapter | undefined, mark: object): void {
  if (adapter?.getType() !== 'fastify') return;
  const fastify = adapter.getInstance<Fastify>();
  const { initialConfig = {} } = fastify;
  if (initialConfig.ignoreTrailingSlash || initialConfig.routerOptions?.ignoreTrailingSlash) return;
  fastify.addHook('onRoute', ({ method, url, handler, config, constraints }) => {
    // Fastify adds the route of HEAD by itself.
    if (config?.[PAGE_MARK] !== mark || method !== 'GET' || url.endsWith('/')) return;
    fastify.route({ method, url: `${url}/`, handler, config, ...(constraints !== undefined && { constraints }) });
  });
}
