/** What locks without a template are called, and those of templates above the limit. */
const NO_TEMPLATE = '(none)';
const OTHER_TEMPLATES = '(other)';

/** The labels of key templates: at most so many, as each is a time series of its own in every metric. */
export class TemplateLabels {
  private readonly known = new Set<string>();

  constructor(private readonly most: number) {}

  of(keyTemplate: string | undefined): string {
    if (keyTemplate === undefined) return NO_TEMPLATE;
    if (this.known.has(keyTemplate)) return keyTemplate;
    if (this.known.size >= this.most) return OTHER_TEMPLATES;
    this.known.add(keyTemplate);
    return keyTemplate;
  }
}
