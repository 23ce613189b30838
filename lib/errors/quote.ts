import { unprintable } from './unprintable.js';

const UNPRINTABLE = unprintable();

/** As many characters of one key, name or value as a message shows. */
const MOST_SHOWN = 100;

/** As many characters of another error's message. */
const MOST_TOLD = 500;

/**
 * A text from outside (a key, an owner, the name of an option) as it stands in messages: quoted, on one line and cut
 * short, so that it can neither forge log lines nor flood the log.
 */
export function quote(text: string, most = MOST_SHOWN): string {
  return escapeControls(JSON.stringify(cut(text, most)));
}

/** The message of an error of another library, on one line, cut short. */
export function onOneLine(text: string): string {
  return escapeControls(cut(text, MOST_TOLD));
}

function escapeControls(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
