import { createInterface } from 'node:readline/promises';
import type { Terminal } from './terminal.js';

/** Asks a person. No answer, as at the end of the input, is no. */
export async function confirm({ streams }: Terminal, question: string): Promise<boolean> {
  const reader = createInterface({ input: streams.stdin, output: streams.stderr });
  try {
    const ended = new Promise<string>((resolve) => {
      reader.once('close', () => {
        resolve('');
      });
    });
    const answer = await Promise.race([reader.question(question).catch(() => ''), ended]);
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    reader.close();
  }
}
