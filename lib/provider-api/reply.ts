/** What takes the answers to the requests of a batch, by their places. One of the two is called for each place, once. */
export interface ReplyReader<Answer> {
  answered(place: number, answer: Answer): void;
  failed(place: number, error: unknown): void;
}

/**
 * The answer to one request of a batch. The engine reads it without a promise or a closure of its own, which would make
 * a good part of what a lock costs; for everybody else it is a promise.
 */
export class Reply<Answer> implements PromiseLike<Answer> {
  private outcome?: { readonly answer: Answer } | { readonly error: unknown };
  private reader?: ReplyReader<Answer>;
  private place = 0;
  private onSettled?: () => void;
  private promise?: Promise<Answer>;

  static of<Answer>(answer: Answer): Reply<Answer> {
    const reply = new Reply<Answer>();
    reply.resolve(answer);
    return reply;
  }

  resolve(answer: Answer): void {
    this.outcome ??= { answer };
    this.tell();
  }

  reject(error: unknown): void {
    this.outcome ??= { error };
    this.tell();
  }

  /** Tells `reader`, at once if the answer is there. There can be one reader. */
  read(reader: ReplyReader<Answer>, place: number): void {
    this.reader = reader;
    this.place = place;
    this.tell();
  }

  // Not an async function: it is what makes a promise of this.
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  then<Value = Answer, Reason = never>(
    onAnswered?: ((answer: Answer) => Value | PromiseLike<Value>) | null,
    onFailed?: ((error: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    this.promise ??= new Promise((resolve, reject) => {
      this.onSettled = () => {
        if (!this.outcome) return;
        if ('answer' in this.outcome) resolve(this.outcome.answer);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what the store failed with
        else reject(this.outcome.error);
      };
      this.onSettled();
    });
    return this.promise.then(onAnswered, onFailed);
  }

  private tell(): void {
    const { outcome, reader, place } = this;
    if (!outcome) return;
    this.onSettled?.();
    this.reader = undefined;
    if (!reader) return;
    if ('answer' in outcome) reader.answered(place, outcome.answer);
    else reader.failed(place, outcome.error);
  }
}
