import type { Redis } from 'ioredis';
import { requirePeer } from './location.js';

/** A client from the peers' own installation of ioredis, at its defaults. */
export function openClient(url: string, require = requirePeer): Redis {
  const ioredis = require('ioredis') as { Redis: typeof Redis };
  return new ioredis.Redis(url);
}
