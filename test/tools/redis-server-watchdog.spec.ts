import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/poll.js';
import { isRunning } from '../support/processes.js';

const toolUrl = new URL('../../tools/redis-server/index.mjs', import.meta.url).href;

describe('the end of the parent process', () => {
  interface Started {
    parent: ChildProcess;
    pid: number;
    dir: string;
  }

  async function startInOtherProcess(before: string): Promise<Started> {
    const script = `
      import { startRedisServer } from ${JSON.stringify(toolUrl)};
      ${before}
      const { pid, dir } = await startRedisServer();
      console.log(JSON.stringify({ pid, dir }));`;
    // Detached for a process group of its own, which a test can signal as a terminal does on Ctrl-C.
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    return { parent, ...(JSON.parse(line) as { pid: number; dir: string }) };
  }

  async function expectNothingLeft({ pid, dir }: Started): Promise<void> {
    await eventually(() => !isRunning(pid));
    await eventually(() => !existsSync(dir));
  }

  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('by %s ends the server', async (signal) => {
    const started = await startInOtherProcess('setInterval(() => {}, 1000);');
    expect(isRunning(started.pid)).toBe(true);
    process.kill(-started.parent.pid!, signal);
    await expectNothingLeft(started);
  });

  it('a parent process ends although its server was not stopped', async () => {
    const started = await startInOtherProcess('');
    if (started.parent.exitCode === null) await once(started.parent, 'exit');
    expect(started.parent.exitCode).toBe(0);
    await expectNothingLeft(started);
  });

  it('a parent process that ignores Ctrl-C keeps its server', async () => {
    const started = await startInOtherProcess(
      `process.on('SIGINT', () => console.log('ignored')); setInterval(() => {}, 1000);`,
    );
    const heard = once(started.parent.stdout!, 'data');
    process.kill(-started.parent.pid!, 'SIGINT');
    await heard;
    expect(isRunning(started.pid)).toBe(true);
    started.parent.kill('SIGKILL');
    await expectNothingLeft(started);
  });
});
