import { readSafely, readText } from '../engine/copy-bounded.js';
import { isError } from '../errors/telemetry.error.js';

/** Application functions that tell one problem from another: where it was thrown, and two callers of that place. */
const MAX_FRAMES = 3;

/** The application is mostly started in its project folder, whose name is left out of the fingerprint. */
const workingFolder = `${process.cwd().replaceAll('\\', '/')}/`;

/** A chain of causes is followed this far. */
const MAX_CAUSES = 3;

/** The message comes first in a stack, but for the name and the code of the error; later it is something else. */
const MAX_NAME = 200;

/** Characters of a message, and of the frames of a stack, that are looked at. */
const MAX_MESSAGE = 2_048;
const MAX_STACK = 32_768;
/** Of a stack with those of its causes. */
const MAX_TEXT = 4 * MAX_STACK;

/** A longer line is no call site that V8 writes. */
const MAX_LINE = 1_000;

/** Locations of the platform, of packages, or of no file. */
const FOREIGN_LOCATION =
  /(?:^|\/)node_modules\/|^node:|^internal\/|^native$|^<anonymous>$|^index \d+$|^eval at /;

/** Folders by which sources and build output differ. */
const BUILD_FOLDERS = new Set(['src', 'dist', 'build', 'out', 'lib', 'app', 'esm', 'cjs']);

/** What differs between two messages of one problem: ids, numbers, addresses. */
const VARIABLE_PARTS = /[0-9a-f]{8}-[0-9a-f-]{27}|\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+/gi;

/**
 * Gives 16 hexadecimal digits that are the same wherever and whenever the same problem happens: made of the type, the
 * types of the causes, and the application's functions on top of the stack with the names of their files; of the message
 * without ids and numbers when there are none. Line numbers, folders of the machine and packages have no part in it.
 */
export function fingerprintException(error: unknown, type: string, message: string): string {
  const frames = isError(error) ? applicationFrames(readText(error, 'stack'), message) : '';
  return hash(`${type}${causesOf(error)}|${frames === '' ? withoutVariables(message) : frames}`);
}

/** Between the stacks of an error and of its cause, as exceptions of this library are written. */
const CAUSED_BY = '\nCaused by: ';

/**
 * The same of an exception of which only the texts are there: that of a log line, or what another SDK recorded. It is that of the error
 * itself, unless a cause has a name that its stack does not begin with.
 */
export function fingerprintTexts(type: string, message: string, stacktrace: string | undefined): string {
  const [stack = '', ...causes] = stacktrace?.slice(0, MAX_TEXT).split(CAUSED_BY, MAX_CAUSES + 1) ?? [];
  const frames = applicationFrames(stack, message);
  const names = causes.map((cause) => `<${/^[\w$.]+/.exec(cause)?.[0] ?? 'string'}`).join('');
  return hash(`${type}${names}|${frames === '' ? withoutVariables(message) : frames}`);
}

function withoutVariables(message: string): string {
  return message.slice(0, MAX_MESSAGE).replace(VARIABLE_PARTS, '#');
}

function causesOf(error: unknown): string {
  let names = '';
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES; depth += 1) {
    const below = causeOf(cause);
    if (below === undefined || below === null) break;
    cause = below;
    names += `<${(isError(cause) ? readText(cause, 'name') : undefined) ?? typeof cause}`;
  }
  return names;
}

function causeOf(error: unknown): unknown {
  return isError(error) ? readSafely(() => error.cause) : undefined;
}

function applicationFrames(stack: string | undefined, message: string): string {
  if (stack === undefined) return '';
  // A message may hold lines that look like frames.
  const messageAt = message === '' ? -1 : stack.indexOf(message);
  const start = messageAt === -1 || messageAt > MAX_NAME ? 0 : messageAt + message.length;
  let rest = stack.slice(start, start + MAX_STACK);
  let frames = '';
  let previous = '';
  for (let count = 0; count < MAX_FRAMES && rest !== '';) {
    const end = rest.indexOf('\n');
    const frame = describeFrame(end === -1 ? rest : rest.slice(0, end));
    rest = end === -1 ? '' : rest.slice(end + 1);
    // How deep a recursion was is no part of the problem.
    if (frame === undefined || frame === previous) continue;
    frames += `${frame}\n`;
    previous = frame;
    count += 1;
  }
  return frames;
}

/** `function file` of a line `    at async OrderService.find (/app/dist/orders/order.service.js:10:5)`. */
function describeFrame(line: string): string | undefined {
  // Most frames are the framework's and need no parsing.
  if (line.length > MAX_LINE || line.includes('/node_modules/') || line.includes('(node:')) return undefined;
  const match = /^\s*at (?:async )?(?:(.*?) \()?(.*?)(?::\d+)*\)?\s*$/.exec(line);
  if (match === null) return undefined;
  const [, written = '', location = ''] = match;
  const path = location.replaceAll('\\', '/').replace(/^file:\/\//, '');
  if (path === '' || FOREIGN_LOCATION.test(path)) return undefined;
  const name = written.replace(/ \[as [^\]]*\]$/, '').replace(/^(?:new |Object\.|Function\.)/, '');
  return `${name} ${fileOf(path)}`;
}

/** `orders/order.service` of `file:///app/dist/orders/order.service.js`: the same on every machine, built or not. */
function fileOf(absolute: string): string {
  const path = absolute.startsWith(workingFolder) ? absolute.slice(workingFolder.length) : absolute;
  const slash = path.lastIndexOf('/');
  const file = path.slice(slash + 1).replace(/\.[cm]?[jt]sx?$/, '');
  if (slash <= 0) return file;
  const folder = path.slice(path.lastIndexOf('/', slash - 1) + 1, slash);
  return folder === '' || BUILD_FOLDERS.has(folder) ? file : `${folder}/${file}`;
}

/** Two 32-bit FNV-1a sums: no secret is kept, and a cryptographic sum would cost more than the rest. */
function hash(text: string): string {
  let high = 0x811c9dc5;
  let low = 0x050c5d1f;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x01000193) ^ (low >>> 15);
  }
  return digits(high) + digits(low);
}

function digits(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
