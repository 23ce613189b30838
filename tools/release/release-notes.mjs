// @ts-check
const HEADING = '## [Unreleased]';

/**
 * The reasons against making a release; empty if there are none.
 *
 * @param {{ version: string, current: string, changelog: string, dirty: boolean, tagged: boolean }} state
 * @returns {string[]}
 */
export function releaseProblems({ version, current, changelog, dirty, tagged }) {
  return [
    !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version) && `name the version: npm run release -- 1.2.3, not "${version}"`,
    isBefore(version, current) && `${version} is before ${current}, the version in package.json`,
    dirty && 'commit your changes first',
    tagged && `there is a tag v${version} already`,
    unreleased(changelog) === '' && `CHANGELOG.md has nothing under "${HEADING}"`,
  ].filter((problem) => problem !== false);
}

/**
 * The changelog with all that is unreleased under the new version.
 *
 * @param {string} changelog
 * @param {string} version
 * @param {string} date
 */
export function withRelease(changelog, version, date) {
  return changelog.replace(HEADING, `${HEADING}\n\n## [${version}] - ${date}`);
}

/** @param {string} changelog */
function unreleased(changelog) {
  const [, after = ''] = changelog.split(`${HEADING}\n`);
  return (after.split(/^## /m)[0] ?? '').trim();
}

/** @param {string} version @param {string} current */
function isBefore(version, current) {
  const [a, b] = [version, current].map((each) => each.split(/[.-]/).slice(0, 3).map(Number));
  const difference = a?.map((number, i) => number - (b?.[i] ?? 0)).find((each) => each !== 0);
  return (difference ?? 0) < 0;
}
