import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from '../tools/matrix/node-binary.mjs';
import {
  before as earlier,
  BROKEN,
  FLOOR,
  onNode,
  OURS,
  PEERS,
  SERIAL,
  type Participant,
} from './contenders/participants.js';
import type { StoreName } from './contenders/open.js';
import type { BenchOptions } from './options.js';
import { installPeers } from './peers/install.js';

export async function chooseParticipants(
  { store, peers, broken, before, node }: BenchOptions,
  interrupted: AbortSignal,
): Promise<readonly Participant[]> {
  const others = peers ? await availablePeers(store, interrupted) : [];
  return [
    SERIAL,
    FLOOR,
    OURS,
    ...(before === undefined ? [] : [earlier(before)]),
    ...(node === undefined ? [] : [onNode(node, await fetchNode(node))]),
    ...others,
    ...(broken ? [BROKEN] : []),
  ];
}

async function fetchNode(version: string): Promise<string> {
  const cache = fileURLToPath(new URL('../.cache/matrix', import.meta.url));
  const folder = await findNode(version, cache, { env: process.env, log: path.join(cache, 'bench-node.log') });
  if (!folder) throw new Error(`Node ${version} cannot be fetched from the npm registry: is that an exact version?`);
  return path.join(folder, 'node');
}

async function availablePeers(store: StoreName, interrupted: AbortSignal): Promise<readonly Participant[]> {
  try {
    await installPeers(interrupted);
    return PEERS[store];
  } catch (error) {
    interrupted.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(`The other packages cannot be installed, so this goes on without them: ${reason}\n`);
    return [];
  }
}
