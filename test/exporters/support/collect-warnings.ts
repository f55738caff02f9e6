import { resetWarnings, setWarningSink } from '../../../lib/errors/warnings.js';

/** Starts with nothing said, and gathers what is said until `restore()`. */
export function collectWarnings(): { readonly messages: string[]; restore(): void } {
  resetWarnings();
  const messages: string[] = [];
  const restore = setWarningSink((message) => messages.push(message));
  return { messages, restore };
}
