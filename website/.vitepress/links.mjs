import path from 'node:path';

/**
 * The place of each file of the repository on the site, as `rewrites` of VitePress.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const REWRITES = {
  'website/index.md': 'index.md',
  'website/api/:rest*': 'api/:rest*',
  'docs/:rest*': ':rest*',
  'ARCHITECTURE.md': 'internals/architecture.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'reporting.md',
  'sample/:name/README.md': 'samples/:name.md',
};

/** Files that pages offer for use: the site serves them as they are. */
export const DOWNLOADS = 'docs/monitoring/';

/**
 * The address on the site of a page, given as a path in the repository; `undefined` for a file that is no page.
 *
 * @param {string} file
 * @returns {string | undefined}
 */
export function siteAddress(file) {
  if (file.startsWith('docs/')) return `/${file.slice('docs/'.length, -'.md'.length)}`;
  if (file === 'README.md') return '/getting-started';
  const sample = /^sample\/([\w-]+)\/README\.md$/.exec(file);
  if (sample) return `/samples/${sample[1]}`;
  const target = REWRITES[file];
  return target && `/${target.slice(0, -'.md'.length)}`;
}

/**
 * Rewrites a relative link, which works in the repository and in the npm package, so that it works on the site.
 *
 * @param {string} href
 * @param {string} from the file that has the link
 * @returns {string | undefined} `undefined` for a source file, which the site does not show
 * @throws if it names a Markdown file that is no page
 */
export function siteLink(href, from) {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href;
  const [target = '', anchor] = href.split('#');
  const file = path.posix.join(path.posix.dirname(from), target);
  if (file.startsWith(DOWNLOADS)) return `/${file.slice('docs/'.length)}`;
  if (!target.endsWith('.md')) return undefined;
  const address = file.startsWith('website/api/')
    ? `/${file.slice('website/'.length, -'.md'.length)}`
    : siteAddress(file);
  if (address === undefined) throw new Error(`${from} links to ${href}, which is no page of the site`);
  return anchor === undefined ? address : `${address}#${anchor}`;
}

/**
 * The anchor of a heading as GitHub makes it, so that the same links work there and on the site.
 *
 * @param {string} heading
 */
export function slug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
}
