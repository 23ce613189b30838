/** What those above the limit are called. */
const OTHER = '(other)';

/** The values of a label that comes from the application: at most so many, as each is a time series of its own in every metric. */
export class BoundedLabels {
  private readonly known = new Set<string>();
  private isFull = false;

  /** @param onFull - called once, when the first value finds no room */
  constructor(
    private readonly most: number,
    private readonly onFull: () => void,
  ) {}

  of(value: string): string {
    if (this.known.has(value)) return value;
    if (this.known.size < this.most) {
      this.known.add(value);
      return value;
    }
    if (!this.isFull) {
      this.isFull = true;
      this.onFull();
    }
    return OTHER;
  }
}
