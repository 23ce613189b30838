import type { Redis } from 'ioredis';
import { requirePeer } from './location.js';

/** An ioredis of the peers' own install, at its defaults. */
export function openClient(url: string, require = requirePeer): Redis {
  const ioredis = require('ioredis') as { Redis: typeof Redis };
  return new ioredis.Redis(url);
}
