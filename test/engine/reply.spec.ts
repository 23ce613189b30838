import { describe, expect, it } from '@jest/globals';
import { Reply, type ReplyReader } from '../../lib/provider-api/index.js';

class Notes implements ReplyReader<string> {
  readonly notes: unknown[] = [];

  answered(place: number, answer: string): void {
    this.notes.push([place, answer]);
  }

  failed(place: number, error: unknown): void {
    this.notes.push([place, error]);
  }
}

const broken = new Error('broken');

describe('a reply', () => {
  it('tells its reader at once, whichever comes first', () => {
    const reader = new Notes();
    const late = new Reply<string>();
    late.read(reader, 1);
    expect(reader.notes).toEqual([]);
    late.resolve('late');
    Reply.of('early').read(reader, 2);
    const failing = new Reply<string>();
    failing.reject(broken);
    failing.read(reader, 3);
    expect(reader.notes).toEqual([
      [1, 'late'],
      [2, 'early'],
      [3, broken],
    ]);
  });

  it('is told once', () => {
    const reader = new Notes();
    const reply = new Reply<string>();
    reply.read(reader, 0);
    reply.resolve('first');
    reply.resolve('second');
    reply.reject(broken);
    expect(reader.notes).toEqual([[0, 'first']]);
  });

  it('is a promise for everybody else, beside the reader, as often as asked', async () => {
    const reader = new Notes();
    const reply = new Reply<string>();
    const before = Promise.resolve(reply);
    reply.read(reader, 0);
    reply.resolve('answer');
    expect(await Promise.all([before, reply, reply.then((answer) => `${answer}!`)])).toEqual([
      'answer',
      'answer',
      'answer!',
    ]);
    expect(reader.notes).toEqual([[0, 'answer']]);
    const failing = new Reply<string>();
    failing.reject(broken);
    await expect(Promise.resolve(failing)).rejects.toBe(broken);
    expect(await failing.then(undefined, () => 'caught')).toBe('caught');
  });
});
