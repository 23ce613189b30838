import { describe, expect, it } from '@jest/globals';
import { releaseProblems, withRelease } from '../../tools/release/release-notes.mjs';

const changelog = '# Changelog\n\n## [Unreleased]\n\n- A change.\n\n## [0.1.0] - 2026-11-01\n\n- The first version.\n';
const ready = { version: '0.2.0', current: '0.1.0', changelog, dirty: false, tagged: false };

describe('npm run release', () => {
  it('a clean tree with a new version and a changelog can be released', () => {
    expect(releaseProblems(ready)).toEqual([]);
    expect(releaseProblems({ ...ready, version: '0.1.0' })).toEqual([]);
    expect(releaseProblems({ ...ready, version: '1.0.0-beta.1' })).toEqual([]);
  });

  it.each([
    ['no version', { version: '' }, 'name the version'],
    ['a version that is before the present one', { version: '0.0.9' }, '0.0.9 is before 0.1.0'],
    ['changes that are not committed', { dirty: true }, 'commit your changes'],
    ['a tag that is there', { tagged: true }, 'a tag v0.2.0'],
    ['a changelog without news', { changelog: changelog.replace('- A change.\n\n', '') }, 'CHANGELOG.md has nothing'],
  ])('a release is refused for %s', (_, state, problem) => {
    expect(releaseProblems({ ...ready, ...state })).toEqual([expect.stringContaining(problem)]);
  });

  it('the unreleased changes move under the new version', () => {
    expect(withRelease(changelog, '0.2.0', '2026-11-26')).toContain(
      '## [Unreleased]\n\n## [0.2.0] - 2026-11-26\n\n- A change.\n\n## [0.1.0]',
    );
  });
});
