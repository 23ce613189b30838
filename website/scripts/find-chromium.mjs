import { spawnSync } from 'node:child_process';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** @param {string} name */
function onPath(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** The browser in `CHROMIUM_BIN`, else one on the `PATH`, else Debian's package where the script runs as root. */
export function findChromium() {
  const given = process.env.CHROMIUM_BIN;
  if (given) return given;
  const found = () => NAMES.map(onPath).find((file) => file !== undefined);
  const file = found();
  if (file !== undefined) return file;
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { stdio: 'ignore' });
    const installed = found();
    if (installed !== undefined) return installed;
  }
  throw new Error('No Chromium found: install it (apt-get install chromium), or name it in CHROMIUM_BIN.');
}
