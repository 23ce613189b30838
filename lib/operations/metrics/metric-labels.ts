import { BoundedLabels } from './bounded-labels.js';
import { tooManyNames, tooManyTemplates } from './metrics.messages.js';

/** What locks without a template are called. */
const NO_TEMPLATE = '(none)';

/** How many values each label may have. */
export interface LabelLimits {
  readonly maxTemplates: number;
  readonly maxNames: number;
}

/** The labels whose values the application names. */
export class MetricLabels {
  private readonly templates: BoundedLabels;
  private readonly jobs: BoundedLabels;
  private readonly elections: BoundedLabels;
  private readonly queues: BoundedLabels;

  /** @param warn - tells the operator, once for each label, that there is no room for more */
  constructor(what: string, { maxTemplates, maxNames }: LabelLimits, warn: (message: string) => void) {
    const names = (kind: string): BoundedLabels =>
      new BoundedLabels(maxNames, () => {
        warn(tooManyNames(what, kind, maxNames));
      });
    this.templates = new BoundedLabels(maxTemplates, () => {
      warn(tooManyTemplates(what, maxTemplates));
    });
    this.jobs = names('scheduled jobs');
    this.elections = names('elections');
    this.queues = names('queues');
  }

  ofTemplate(keyTemplate: string | undefined): string {
    return keyTemplate === undefined ? NO_TEMPLATE : this.templates.of(keyTemplate);
  }

  ofJob(kind: string, name: string): string {
    return this.jobs.of(`${kind}:${name}`);
  }

  ofElection(name: string): string {
    return this.elections.of(name);
  }

  ofQueue(name: string): string {
    return this.queues.of(name);
  }
}
