/** As many keys as one script call names at most: longer ones would hold up everybody else. */
export const BATCH = 200;

interface Batch<Request, Answer> {
  readonly requests: Request[];
  readonly settle: { readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }[];
}

/**
 * Sends requests that are `alike` together, and answers each for itself: with what `send` has for it, or an Error from
 * there.
 */
export function inBatches<Request extends { readonly keys: readonly string[] }, Answer>(
  requests: readonly Request[],
  alike: (one: Request, other: Request) => boolean,
  send: (batch: readonly Request[]) => Promise<readonly (Answer | Error)[]>,
): Promise<Answer>[] {
  const open: Batch<Request, Answer>[] = [];
  const all: Batch<Request, Answer>[] = [];
  const answers = requests.map(
    async (request) =>
      new Promise<Answer>((resolve, reject) => {
        let batch = open.find(({ requests: [first] }) => first && alike(first, request));
        if (!batch) {
          batch = { requests: [], settle: [] };
          open.push(batch);
          all.push(batch);
        }
        batch.requests.push(request);
        batch.settle.push({ resolve, reject });
        if (batch.requests.length >= BATCH) open.splice(open.indexOf(batch), 1);
      }),
  );
  for (const batch of all) deliver(batch, send);
  return answers;
}

function deliver<Request, Answer>(
  { requests, settle }: Batch<Request, Answer>,
  send: (batch: readonly Request[]) => Promise<readonly (Answer | Error)[]>,
): void {
  send(requests).then(
    (answers) => {
      settle.forEach(({ resolve, reject }, index) => {
        const answer = answers[index];
        if (answer === undefined) reject(new Error('Redis answered fewer requests than it was sent'));
        else if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    },
    (error: unknown) => {
      for (const { reject } of settle) reject(error);
    },
  );
}
