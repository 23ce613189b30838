// npm run release -- 0.2.0: checks that the tree is ready, builds and checks the package, sets the version, commits and tags.
// It publishes and pushes nothing; it prints how to. With --dry-run it does all but the tests, and changes nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { releaseProblems, withRelease } from './release-notes.mjs';

/** @param {string} program @param {string[]} args */
const run = (program, ...args) => execFileSync(program, args, { stdio: 'inherit' });
/** @param {string[]} args */
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();

const dryRun = process.argv.includes('--dry-run');
const [version = ''] = process.argv.slice(2).filter((argument) => argument !== '--dry-run');
const { version: current } = JSON.parse(readFileSync('package.json', 'utf8'));
const changelog = readFileSync('CHANGELOG.md', 'utf8');

const problems = releaseProblems({
  version,
  current,
  changelog,
  dirty: git('status', '--porcelain') !== '',
  tagged: git('tag', '--list', `v${version}`) !== '',
});
if (problems.length > 0) {
  console.error(`No release:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
  process.exit(1);
}

run('npm', 'run', '--silent', 'lint');
run('npm', 'run', '--silent', 'typecheck');
run('npm', 'run', '--silent', 'check:package');
if (dryRun) {
  run('npm', 'pack', '--dry-run', '--ignore-scripts');
  console.log(`${version} can be released, if npm run test:all passes. Nothing was changed.`);
  process.exit();
}
run('npm', 'run', '--silent', 'test:all');

writeFileSync('CHANGELOG.md', withRelease(changelog, version, new Date().toISOString().slice(0, 10)));
if (version !== current) run('npm', 'version', version, '--no-git-tag-version');
git('add', 'CHANGELOG.md', 'package.json', 'package-lock.json');
git('commit', '-m', `chore: release ${version}`);
git('tag', '-a', `v${version}`, '-m', `nestjs-locking ${version}`);
console.log(`Tagged v${version}. To publish it: git push --follow-tags && npm publish`);
