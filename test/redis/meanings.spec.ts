import { describe, expect, it } from '@jest/globals';
import { remedyOf } from '../../lib/errors/remedy.js';
import { StoreNotReachedError } from '../../lib/index.js';
import { explainError, refusalOf } from '../../lib/providers/redis/redis-errors.js';
import { meaningOf } from '../../lib/providers/redis/redis-meanings.js';

const explained = (text: string): Error => explainError(new Error(text)) as Error;

describe('what an error of Redis means', () => {
  it.each([
    ['READONLY', 'replica'],
    ['MASTERDOWN', 'lost its primary'],
    ['NOREPLICAS', 'min-replicas-to-write'],
    ['OOM', 'no memory'],
    ['LOADING', 'still reading its data'],
    ['MISCONF', 'cannot save'],
    ['BUSY', 'another script'],
    ['CLUSTERDOWN', 'Redis Cluster'],
    ['TRYAGAIN', 'moving'],
    ['MOVED 1234 127.0.0.1:7001', 'one of a Redis Cluster'],
    ['ASK 1234 127.0.0.1:7001', 'one of a Redis Cluster'],
    ['CROSSSLOT', 'one of a Redis Cluster'],
    ['NOAUTH', 'wants a password'],
    ['WRONGPASS', 'password is wrong'],
    ['DENIED', 'protected mode'],
    ['BADFENCE', 'token counter'],
    ['ERR max number of clients reached', 'as many connections'],
    ["ERR unknown command 'EVALSHA'", 'does not know a command'],
    ['ERR Error running script: Script killed by user with SCRIPT KILL.', 'killed the script'],
  ])('the error %s means that nothing was acquired', (text, means) => {
    const error = explained(text);
    expect(error).toBeInstanceOf(StoreNotReachedError);
    expect(error.message).toContain(text.replace(/\.$/, ''));
    expect(error.message).toContain(means);
    expect(remedyOf(error)).toMatch(/^[A-Z].*\.$/);
    expect((error.cause as Error).message).toBe(text);
  });

  it.each([
    'NOPERM no',
    'WRONGTYPE x',
    "ERR The user executing the script can't run this command",
    "ERR ACL failure in script: User app has no permissions to run the 'set' command script: 4f1a, on @user_script:72.",
  ])('%s: part of a script may have run', (text) => {
    expect(explained(text)).not.toBeInstanceOf(StoreNotReachedError);
    expect(remedyOf(explained(text))).toMatch(/\.$/);
    // Except for errors that the script itself returns.
    expect(refusalOf(text)).toBeInstanceOf(StoreNotReachedError);
  });

  it.each(['ERR something', 'constructor', 'toString x', '', 'readonly', 'OOMPH x', 'BUSYKEY exists'])(
    'the unknown error %j stays as it is',
    (text) => {
      const error = new Error(text);
      expect(meaningOf(text)).toBeUndefined();
      expect(explainError(error)).toBe(error);
    },
  );

  it('the meaning of an error does not name the place in a script', () => {
    const where = ` script: ${'a0'.repeat(20)}, on @user_script:28.`;
    expect(explained(`OOM command not allowed.${where}`).message).toBe(
      'OOM command not allowed (the server has no memory left)',
    );
  });
});
