import { before as earlier, BROKEN, FLOOR, OURS, PEERS, SERIAL, type Participant } from './contenders/participants.js';
import type { StoreName } from './contenders/open.js';
import type { BenchOptions } from './options.js';
import { installPeers } from './peers/install.js';

export async function chooseParticipants(
  { store, peers, broken, before }: BenchOptions,
  interrupted: AbortSignal,
): Promise<readonly Participant[]> {
  const others = peers ? await availablePeers(store, interrupted) : [];
  return [
    SERIAL,
    FLOOR,
    OURS,
    ...(before === undefined ? [] : [earlier(before)]),
    ...others,
    ...(broken ? [BROKEN] : []),
  ];
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
