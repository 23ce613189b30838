import type { Job } from 'bullmq';
import { LockConfigurationError } from '../../errors/index.js';
import { METHOD_ROOTS, methodScope, parseKeyTemplate } from '../../key-templates/index.js';
import type { TemplateRoots } from '../../key-templates/template-roots.js';
import { badKey } from './bullmq.messages.js';
import type { LockJobKey } from './lock-job-options.interface.js';

/** Names the keys of a call of the processor. */
export type JobKeys = (self: unknown, args: readonly unknown[]) => string | readonly string[];

/** A processor that is a plain function has no `this`. */
export const FUNCTION_ROOTS: TemplateRoots = {
  has: (root) => root !== 'this' && METHOD_ROOTS.has(root),
  described: 'the job, as in <0.data.paymentId> or <0.name>',
};

/** @throws LockKeyError for a malformed template */
export function compileJobKey<J extends Job>(
  caller: string,
  key: LockJobKey<J>,
  roots: TemplateRoots = METHOD_ROOTS,
): JobKeys {
  if (typeof key === 'function') return (self, args) => key.call(self, args[0] as J);
  if (typeof key !== 'string') throw new LockConfigurationError(badKey(caller));
  const template = parseKeyTemplate(key, roots);
  return (self, args) => template.render(methodScope(self, args));
}
