import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync, readFileSync } from 'node:fs';
import { withMermaid } from 'vitepress-plugin-mermaid';
import { REWRITES, siteLink, slug } from './links.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const api = path.join(root, 'website/api/typedoc-sidebar.json');

/** @param {string} name */
const packaged = (name) => fileURLToPath(import.meta.resolve(name));
/** @param {string} text @param {string} link */
const page = (text, link) => ({ text, link });

export default withMermaid({
  title: 'nestjs-locking',
  description: 'Distributed locks for NestJS',
  lang: 'en',
  cleanUrls: true,
  srcDir: root,
  srcExclude: ['{lib,test,tools,bench,dist*}/**', '.*/**', 'README.md', 'website/README.md', 'sample/README.md'],
  rewrites: { ...REWRITES },
  outDir: path.join(root, '.cache/website'),
  cacheDir: path.join(root, '.cache/vitepress'),
  vite: {
    publicDir: path.join(root, 'website/public'),
    build: { chunkSizeWarningLimit: 2000 },
    // The pages are outside the folder that has the packages.
    resolve: {
      alias: [
        { find: /^vue$/, replacement: packaged('vue/dist/vue.runtime.esm-bundler.js') },
        { find: /^vue\/server-renderer$/, replacement: packaged('vue/server-renderer') },
      ],
    },
  },
  markdown: {
    anchor: { slugify: slug },
    toc: { slugify: slug },
    config(md) {
      md.core.ruler.push('site-links', ({ tokens, env }) => {
        const from = path.relative(root, env.realPath ?? env.path);
        for (const { children } of tokens) {
          let unlinked = false;
          for (const token of children ?? []) {
            const href = token.type === 'link_open' ? token.attrGet('href') : null;
            if (href !== null) {
              const link = siteLink(href, from);
              unlinked = link === undefined;
              if (link !== undefined) token.attrSet('href', link);
            }
            // a source file has no page: keep the name, drop the link
            if (unlinked && token.type.startsWith('link_')) token.tag = 'span';
            if (token.type === 'link_close') unlinked = false;
          }
        }
      });
    },
  },
  mermaid: {
    securityLevel: 'strict',
    sequence: { actorMargin: 16, width: 110, height: 44, messageMargin: 28, mirrorActors: false },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Guide', '/getting-started'),
      page('Reference', '/options'),
      page('API', '/api/'),
      page('Internals', '/internals/architecture'),
    ],
    sidebar: [
      {
        text: 'Start',
        items: [page('Getting started', '/getting-started'), page('Choosing expire and timeout', '/times')],
      },
      {
        text: 'What you want to do',
        items: [
          page('Run a method one at a time', '/with-lock'),
          page('Lock in code', '/locking-service'),
          page('Lock a request', '/requests'),
          page('Run a cron job once', '/cron'),
          page('Elect a leader', '/leader-election'),
          page('Lock queue jobs', '/queues'),
          page('Run one at a time, skip the rest', '/singleton'),
          page('Go on after an interruption', '/checkpoints'),
          page('Answer a repeated request once', '/idempotency'),
          page('Share a circuit breaker', '/circuit-breaker'),
          page('Cache, and load once', '/cache'),
          page('Records', '/records'),
          page('Lock under a name of your own', '/owners'),
          page('Refuse late writes: fencing', '/fencing'),
          page('Use locks with transactions', '/transactions'),
          page('Scale out', '/scaling'),
          page('Test', '/testing'),
        ],
      },
      {
        text: 'In production',
        items: [
          page('Run it in production', '/production'),
          page('Choose a store', '/choosing-a-store'),
          page('Environment variables', '/environment'),
          page('The command line', '/command-line'),
          page('The dashboard', '/dashboard'),
          page('Redis: Sentinel, Cluster, TLS, ACL', '/redis'),
          page('Managed Redis', '/managed-redis'),
          page('A quorum of servers', '/quorum'),
          page('PostgreSQL', '/postgres'),
          page('Events', '/events'),
          page('Metrics and traces', '/metrics'),
          page('Health checks', '/health'),
          page('Shutdown', '/shutdown'),
          page('Securing the store', '/security'),
          page('Troubleshooting', '/troubleshooting'),
          page('Performance', '/performance'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('Options', '/options'),
          page('Errors', '/errors'),
          page('Compilers and bundlers', '/compilers'),
          page('What a lock guarantees', '/guarantees'),
          page('How safety is shown', '/safety'),
          page('Versions and limits', '/compatibility'),
          page('A provider of your own', '/custom-provider'),
        ],
      },
      {
        text: 'Moving here',
        items: [page('From another library', '/moving')],
      },
      {
        text: 'Internals',
        collapsed: true,
        items: [
          page('Architecture', '/internals/architecture'),
          page('Protocol', '/internals/protocol'),
          page('Redis', '/internals/redis'),
          page('Failures', '/internals/failures'),
          page('Decisions', '/internals/decisions'),
          page('Fault harness', '/internals/fault-harness'),
          page('Built on locks', '/internals/built-on-locks'),
        ],
      },
      {
        text: 'Project',
        collapsed: true,
        items: [
          page('Changes', '/changelog'),
          page('Contributing', '/contributing'),
          page('Reporting a vulnerability', '/reporting'),
          page('Sample: shop', '/samples/shop'),
          page('Sample: cron', '/samples/cron'),
          page('Sample: leader', '/samples/leader'),
          page('Sample: requests', '/samples/requests'),
          page('Sample: payments', '/samples/payments'),
          page('Sample: import', '/samples/import'),
        ],
      },
      ...(existsSync(api) ? [{ text: 'API', collapsed: true, items: JSON.parse(readFileSync(api, 'utf8')) }] : []),
    ],
  },
});
