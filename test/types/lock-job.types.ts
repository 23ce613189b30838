import { WorkerHost } from '@nestjs/bullmq';
import { Worker, type Job } from 'bullmq';
import { LockJob, lockedProcessor } from '../../lib/coordination/bullmq/index.js';
import type { LockingService } from '../../lib/index.js';

/** Compiled, never run: code that `@LockJob` and `lockedProcessor` must accept or refuse. */

interface Payment {
  id: string;
}

export class Template extends WorkerHost {
  private readonly open = true;

  @LockJob('payment:<0.data.id>', { ready: (_job, self: Template) => self.open })
  async process(job: Job<Payment>, token?: string, signal?: AbortSignal): Promise<string> {
    return Promise.resolve(`${job.data.id} ${token ?? ''} ${String(signal?.aborted)}`);
  }
}

export class KeyFunction extends WorkerHost {
  @LockJob((job: Job<Payment>) => [job.data.id], { retryDelay: ({ data }) => data.id.length })
  async process(job: Job<Payment, string>): Promise<string> {
    return Promise.resolve(job.data.id);
  }
}

export class Refused {
  // @ts-expect-error -- it answers at once
  @LockJob('payment:<0.data.id>')
  sync(job: Job<Payment>): string {
    return job.data.id;
  }

  // @ts-expect-error -- the key function is for other jobs
  @LockJob((job: Job<{ order: number }>) => `order:${String(job.data.order)}`)
  async otherJob(job: Job<Payment>): Promise<string> {
    return Promise.resolve(job.data.id);
  }

  // @ts-expect-error -- it takes no job
  @LockJob('payment')
  async noJob(id: number): Promise<number> {
    return Promise.resolve(id);
  }

  // @ts-expect-error -- `self` is another class
  @LockJob('payment', { ready: (_job, self: Template) => Boolean(self) })
  async otherClass(job: Job<Payment>): Promise<string> {
    return Promise.resolve(job.data.id);
  }

  // @ts-expect-error -- no length of time
  @LockJob('payment', { retryDelay: 'soon' })
  async noDuration(job: Job<Payment>): Promise<string> {
    return Promise.resolve(job.data.id);
  }
}

export function workers(locking: LockingService, connection: { url: string }): Worker<Payment, string>[] {
  const process = async (job: Job<Payment>, token: string, signal: AbortSignal): Promise<string> =>
    Promise.resolve(`${job.data.id} ${token} ${String(signal.aborted)}`);
  return [
    new Worker<Payment, string>('payments', lockedProcessor(locking, 'payment:<0.data.id>', process), { connection }),
    // @ts-expect-error -- its jobs have other data
    new Worker<{ order: number }, string>('orders', lockedProcessor(locking, 'k', process), { connection }),
  ];
}
