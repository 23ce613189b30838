import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

const { peerDependencies: peers } = JSON.parse(read('package.json')) as { peerDependencies: Record<string, string> };

/** The lowest version of each range of a peer: `5.80.0` and `6.0.0`. */
function lowestOf(peer: string): string[] {
  return (peers[peer] ?? '').split('||').map((range) => range.replace(/[\s^]/g, ''));
}

/** Peers by their names in texts. */
const NAMES = { BullMQ: 'bullmq', ioredis: 'ioredis' } as const;

const pages = ['README.md', ...readdirSync(`${root}/docs`).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

describe('the peers', () => {
  it('the matrix tests each peer at the lowest version of its range, or says why not', async () => {
    const file = new URL('../../tools/matrix/columns.mjs', import.meta.url).pathname;
    const { columns } = (await import(file)) as { columns: { packages: Record<string, string> }[] };
    const [lowest] = columns;
    const elsewhere = [
      // The matrix says why: older versions have no types under `exports`.
      'rxjs',
      // The newest version that accepts Nest 11 is tested.
      '@nestjs/schedule',
    ];
    for (const peer of Object.keys(peers).filter((name) => !elsewhere.includes(name))) {
      expect([peer, lowest?.packages[peer]]).toEqual([peer, lowestOf(peer)[0]]);
    }
  });

  it.each(pages)('the peers have the versions of their range in %s', (page) => {
    for (const [name, peer] of Object.entries(NAMES)) {
      const promised = new RegExp(`${name} (?:is|≥|>=|from) \\(?(\\d+\\.\\d+)`, 'g');
      for (const [text, version = ''] of read(page).matchAll(promised)) {
        expect([text, lowestOf(peer).some((lowest) => lowest.startsWith(`${version}.`))]).toEqual([text, true]);
      }
    }
  });

  it('the page for BullMQ names its lowest version', () => {
    const [lowest = ''] = lowestOf('bullmq');
    expect(read('docs/queues.md')).toContain(`BullMQ ${lowest.replace(/\.0$/, '')} or later`);
  });
});
