import { describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { defer, of } from 'rxjs';
import { isLockConfigurationError, LeaderOnly, OnFollower, OnLeader } from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { leaderOf, onEveryStore, said, short } from './support.js';

const ran = jest.fn();

async function* generate(): AsyncGenerator<number> {
  ran();
  yield Promise.resolve(1);
}

@Injectable()
class Relay {
  @OnLeader('e')
  lead(): unknown {
    return defer(() => of(ran()));
  }

  @OnFollower('e')
  follow(): unknown {
    return generate();
  }

  @LeaderOnly('e')
  async observe(): Promise<unknown> {
    return Promise.resolve(defer(() => of(ran())));
  }
}

describe('methods of a leader that return work instead of doing it', () => {
  onEveryStore((store) => {
    it('methods of a leader that return unstarted work cause an error, and nothing of it is run', async () => {
      const instance = await store.open([short()], { providers: [Relay] });
      await leaderOf([instance]);
      const error = await instance.app
        .get(Relay)
        .observe()
        .catch((reason: unknown) => reason);
      expect(isLockConfigurationError(error)).toBe(true);
      expect(String(error)).toContain('@LeaderOnly("e") returned an Observable, which would run whether or not');
      await instance.election().resign();
      await eventually(() => said(instance, 'error').length === 2);
      expect(said(instance, 'error')).toEqual([
        expect.stringContaining('@OnLeader("e") on Relay.lead returned an Observable, which would run whether or not'),
        expect.stringContaining('@OnFollower("e") on Relay.follow returned a generator, which would run whether or'),
      ]);
      expect(ran).not.toHaveBeenCalled();
    });
  });
});
