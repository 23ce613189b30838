import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { run } from '../../lib/cli/run.js';
import { printable, toJson } from '../../lib/cli/terminal/printable.js';
import { tableLines } from '../../lib/cli/terminal/table.js';
import { widthOf } from '../../lib/cli/terminal/width.js';
import { formatDuration } from '../../lib/operations/examination/format-duration.js';
import { eventually } from '../support/poll.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();

/** A terminal of 60 columns and 10 rows, whose screen is what was written. */
class FakeTerminal {
  readonly stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode: this.setRawMode.bind(this),
  });
  readonly stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 60, rows: 10 });
  readonly stderr = Object.assign(new PassThrough(), { isTTY: true });
  written = '';
  raw: boolean[] = [];

  constructor() {
    for (const stream of [this.stdout, this.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.written += chunk));
    }
  }

  async run(args: string[], env: Record<string, string> = {}): Promise<number> {
    const streams = { stdin: this.stdin, stdout: this.stdout, stderr: this.stderr };
    return run([...args, '--redis', redis.url], { ...(streams as never as typeof process), env, version: '0.0.0' });
  }

  private setRawMode(raw: boolean): this {
    this.raw.push(raw);
    return this;
  }
}

describe('the command line on a terminal', () => {
  let client: Redis;

  beforeEach(async () => {
    client = new Redis(redis.url);
    await client.flushall();
    await client.set('lock:stuck', 'x', 'EX', 600);
  });

  afterEach(() => {
    client.disconnect();
  });

  it('release asks, and anything but yes releases nothing', async () => {
    for (const answer of ['n\n', '\n', 'y\n']) {
      const terminal = new FakeTerminal();
      const code = terminal.run(['release', 'stuck']);
      await eventually(() => terminal.written.includes('Type yes: '));
      terminal.stdin.write(answer);
      expect(await code).toBe(1);
      expect(terminal.written).toContain('"stuck" was not released');
    }
    const ended = new FakeTerminal();
    const endedCode = ended.run(['release', 'stuck']);
    await eventually(() => ended.written.includes('Type yes: '));
    ended.stdin.end();
    expect(await endedCode).toBe(1);
    expect(await client.exists('lock:stuck')).toBe(1);

    const terminal = new FakeTerminal();
    const code = terminal.run(['release', 'stuck']);
    await eventually(() => terminal.written.includes('Type yes: '));
    terminal.stdin.write('yes\n');
    expect(await code).toBe(0);
    expect(await client.exists('lock:stuck')).toBe(0);
  });

  it('release leaves what has changed while the question was open', async () => {
    const terminal = new FakeTerminal();
    const code = terminal.run(['release', 'stuck']);
    await eventually(() => terminal.written.includes('Type yes: '));
    await client.set('lock:stuck', 'y', 'EX', 600);
    terminal.stdin.write('yes\n');
    expect(await code).toBe(1);
    expect(terminal.written).toContain('released or passed on since it was shown');
    expect(await client.get('lock:stuck')).toBe('y');
  });

  it('watch draws a screen again and again, and leaves the terminal as it was', async () => {
    await client.set('lock:\u001b]0;\u0007', 'x');
    for (let index = 0; index < 20; index += 1) await client.set(`lock:key:${String(index)}`, 'x', 'EX', 600);
    const terminal = new FakeTerminal();
    const code = terminal.run(['watch', '--interval', '200ms', '--sort', 'key']);
    await eventually(() => terminal.written.includes('… and '));
    expect(terminal.written).toContain('22 locks, 0 waiting');
    expect(terminal.written).toContain('\\x1b]0;\\x07');
    expect(terminal.written).not.toContain('\u001b]0;');
    await client.set('lock:aaa', 'x');
    await eventually(() => terminal.written.includes('23 locks'));
    await client.del('lock:aaa');
    await eventually(() => /22 locks(?!.*23 locks)/s.test(terminal.written));
    terminal.stdin.write('q');
    expect(await code).toBe(0);
    expect(terminal.written.startsWith('\u001b[?1049h')).toBe(true);
    expect(terminal.written.endsWith('\u001b[?1049l')).toBe(true);
    expect(terminal.raw).toEqual([true, false]);
  });

  it('colours are for terminals that want them', async () => {
    const plain = new FakeTerminal();
    expect(await plain.run(['list'], { NO_COLOR: '1' })).toBe(0);
    expect(plain.written).not.toContain('\u001b');
    const coloured = new FakeTerminal();
    await coloured.run(['list']);
    expect(coloured.written).toContain('\u001b[1mKEY');
    const dumb = new FakeTerminal();
    await dumb.run(['list', '--no-color']);
    expect(dumb.written).not.toContain('\u001b');
  });
});

describe('texts for a terminal', () => {
  it.each([
    ['order:42', 'order:42'],
    ['a\\b', 'a\\\\b'],
    ['\u001b[2J\u0007', '\\x1b[2J\\x07'],
    ['\u009b31m', '\\u009b31m'],
    ['a\u202eb\u2028c\ud800', 'a\\u202eb\\u2028c\\ud800'],
    ['\u{e0041}x', '\\U000e0041x'],
    ['ключ 鍵 🔑', 'ключ 鍵 🔑'],
    ['a\u3164b\u115f\u034f\ufe0f\u{e0100}', 'a\\u3164b\\u115f\\u034f\\ufe0f\\U000e0100'],
    ['a\u2800b\u00a0c\u3000d\u2003e f', 'a\\u2800b\\u00a0c\\u3000d\\u2003e f'],
    ['  a b ', '\\x20\\x20a b\\x20'],
    // What looks like a composed text, and is another one.
    ['caf\u00e9', 'caf\u00e9'],
    ['cafe\u0301 鍵', 'cafe\\u0301 鍵'],
    ['e\u0323\u0302', 'e\\u0323\\u0302'],
    ['\u212b', '\\u212b'],
    ['\u1112\u1161\u11ab', '\u1112\\u1161\\u11ab'],
    ['\ud558\u11ab', '\ud558\\u11ab'],
    ['x\u030c हिन्दी', 'x\u030c हिन्दी'],
  ])('%j is shown as %s', (text, shown) => {
    expect(printable(text)).toBe(shown);
    const json = toJson({ text });
    expect(JSON.parse(json)).toEqual({ text });
    expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u);
  });

  it('a table fits the terminal, whatever the width of its characters', () => {
    const columns = [
      { title: 'KEY', flexible: true },
      { title: 'N', align: 'right' as const },
    ];
    const rows = [
      ['鍵'.repeat(40), '1'],
      ['e\u0301'.repeat(10), '22'],
    ];
    const lines = tableLines(columns, rows, 30);
    expect(lines.map(widthOf)).toEqual([30, 30, 30]);
    expect(lines[1]).toContain('…');
    expect(tableLines(columns, rows, Infinity)[1]).toContain('鍵'.repeat(40));
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [12_345, '12.3 s'],
    [59_999, '59.9 s'],
    [200_000, '3 min 20 s'],
    [7_260_000, '2 h 1 min'],
    [360_000_000, '4 d 4 h'],
  ])('%i ms are %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});
