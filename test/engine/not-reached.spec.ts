import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import { StoreNotReachedError } from '../../lib/index.js';

it('StoreNotReachedError shows no frames of the provider in logs, and leaves other errors their stack', () => {
  const error = new StoreNotReachedError('not connected', { cause: 'a reset' });
  expect(inspect(new Error('the call failed', { cause: error }))).toContain(
    "[cause]: [StoreNotReachedError: not connected] { [cause]: 'a reset' }",
  );
  expect(new Error('later').stack).toContain('not-reached.spec');
});
