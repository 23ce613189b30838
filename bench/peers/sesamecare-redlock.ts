import type { Contender } from '../contenders/contender.js';
import { requirePeer } from './location.js';
import { contenderOf, type RedlockClass } from './redlock.js';

export async function openSesamecareRedlock(url: string): Promise<Contender> {
  const { Redlock } = requirePeer('@sesamecare-oss/redlock') as { Redlock: RedlockClass };
  return Promise.resolve(contenderOf(Redlock, url));
}
