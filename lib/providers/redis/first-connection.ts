import type { Cluster, Redis } from 'ioredis';

/** The first attempt. ioredis asks sentinels again and again before it says that none answers. */
export async function connectOnce(client: Redis): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.once('error', reject);
    client
      .connect()
      .then(resolve, reject)
      .finally(() => client.off('error', reject));
  });
}

/** Rejects when a way there has failed, though the client may go on; nothing is left on it once `signal` aborts. */
export async function untilReady(client: Redis | Cluster, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (done: () => void) => (): void => {
      client.off('ready', onReady).off('close', onClose).off('end', onClose);
      signal.removeEventListener('abort', onClose);
      done();
    };
    const onReady = settle(resolve);
    const onClose = settle(() => {
      reject(new Error(`the client is ${client.status}`));
    });
    client.once('ready', onReady).once('close', onClose).once('end', onClose);
    signal.addEventListener('abort', onClose);
    if (client.status === 'end' || client.status === 'close' || client.status === 'reconnecting') onClose();
  });
}
