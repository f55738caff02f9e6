import { type ErrorPartAnswer } from '../../reader/answers/errors.interface.js';
import { type ErrorPageAnswer } from '../errors/query.js';
import { cutText, inline, isoOf, type Section, writeSections } from './markdown.js';
import { writeExcerpt, writeStack } from './write-stack.js';
import { DATA_NOTICE } from './write-trace-prompt.js';

/** What a text about an error is made of. */
export interface ErrorPromptParts {
  readonly error: ErrorPageAnswer;
  /** Text about a trace in which it happened; undefined where none is stored. */
  readonly sample: string | undefined;
  /** Folder of the application: paths are written from there. */
  readonly root: string;
  /** Longest text, in bytes of UTF-8. */
  readonly maxBytes: number;
}

const MAX_PARTS = 5;

/** The error as Markdown: what it is, since when, where in the source, and a request that failed with it. */
export function writeErrorPrompt({ error, sample, root, maxBytes }: ErrorPromptParts): string {
  const { stackParts, versions, routes } = error;
  const sections: readonly Section[] = [
    { title: 'Stack', lines: writeStack(stackParts, root), share: 3, isCode: true },
    { title: 'Source', lines: writeExcerpt(stackParts, root), share: 2, isCode: true },
    { title: 'Versions', lines: versions.slice(0, MAX_PARTS).map(writePart), share: 1 },
    { title: 'Routes', lines: routes.slice(0, MAX_PARTS).map(writePart), share: 1 },
  ];
  const own = sample === undefined ? maxBytes : maxBytes - Buffer.byteLength(sample) - 1;
  const text = writeSections(writeHead(error), sections, own);
  return sample === undefined ? text : `${text}\n${sample}`;
}

function writeHead(error: ErrorPageAnswer): string {
  const { service, fingerprint, type, message, state, count, total, firstSeen, lastSeen, route } = error;
  const { firstVersion, lastVersion } = error;
  const since = firstVersion === '' ? '' : ` in version ${inline(firstVersion, 60)}`;
  const last = lastVersion === '' ? '' : ` in version ${inline(lastVersion, 60)}`;
  const title = cutText(`${type}: ${message}`.replace(/\s+/g, ' '), 300);
  const users = error.users === 0 ? '' : `; ${error.users} users affected`;
  const facts = [
    `- Service ${inline(service, 100)}${route === undefined ? '' : `, mostly in ${inline(route, 200)}`}; fingerprint ${inline(fingerprint, 100)}`,
    `- ${state}: ${count} times in the time asked about, ${total} since it was first seen${users}`,
    `- First seen ${isoOf(firstSeen) ?? 'at an unknown time'}${since}, last seen ${isoOf(lastSeen) ?? 'at an unknown time'}${last}`,
  ];
  return `# ${title}\n\n${facts.join('\n')}\n\n${DATA_NOTICE}\n`;
}

const writePart = ({ value, count, firstSeen, lastSeen }: ErrorPartAnswer): string =>
  `- ${value === '' ? 'none' : inline(value, 200)}: ${count} times, from ${isoOf(firstSeen) ?? '?'} to ${isoOf(lastSeen) ?? '?'}`;
