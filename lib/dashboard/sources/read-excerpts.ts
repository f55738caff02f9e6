import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, extname, parse, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { type SourceAnswer, type SourceExcerptAnswer } from '../reader/answers/answer-parts.interface.js';
import { SourceMaps } from './source-maps.js';

/** A place of a stack: the file is a path, or the URL of a file. */
export interface CodePlace extends SourceAnswer {
  /** From 1. */
  readonly column: number;
}

const EXTENSIONS = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']);
const AROUND = 3;
const MAX_LINE = 200;
/** Larger files are bundles, of which a line says little. */
const MAX_FILE = 512 * 1_024;
/** Reading a map blocks the event loop for some milliseconds per 100 kB. */
const MAX_MAP = 256 * 1_024;

/**
 * The source around each place, through the source map of its file; undefined where it is not at hand. A stack may come from anywhere: only
 * source files of the application are read, below `root` and without those of packages and of folders that begin with a dot. Never rejects.
 *
 * @param root default: the folder in which the process was started
 */
export async function readExcerpts(
  places: readonly CodePlace[],
  root = process.cwd(),
): Promise<readonly (SourceExcerptAnswer | undefined)[]> {
  const maps = new SourceMaps();
  const excerpts: (SourceExcerptAnswer | undefined)[] = [];
  // One after the other: each may block for some milliseconds.
  for (const place of places) excerpts.push(await readExcerpt(place, root, maps).catch(() => undefined));
  return excerpts;
}

async function readExcerpt(
  place: CodePlace,
  root: string,
  maps: SourceMaps,
): Promise<SourceExcerptAnswer | undefined> {
  const file = place.file.startsWith('file:') ? fileURLToPath(place.file) : place.file;
  const text = await readSource(file, root);
  if (text === undefined) return undefined;
  const sourceMapUrl = await findMap(text, file, root);
  const written = await maps.find({
    script: { url: pathToFileURL(file).href, sourceMapUrl },
    line: place.line - 1,
    column: place.column - 1,
  });
  const mapped = written === undefined || written.file === file ? undefined : written;
  const original = mapped && (await readSource(mapped.file, root));
  return mapped === undefined || original === undefined
    ? cut(file, place.line, text)
    : cut(mapped.file, mapped.line, original);
}

function cut(file: string, line: number, text: string): SourceExcerptAnswer | undefined {
  const lines = text.split(/\r?\n/);
  // The file has changed since.
  if (line < 1 || line > lines.length) return undefined;
  const from = Math.max(0, line - 1 - AROUND);
  const around = lines.slice(from, line + AROUND).map((each) => each.slice(0, MAX_LINE));
  return { file, line, firstLine: from + 1, lines: around };
}

/** Text of a source file of the application; undefined for any other file. @throws the file system's error */
async function readSource(file: string, root: string): Promise<string | undefined> {
  if (!EXTENSIONS.has(extname(file)) || !(await isOwn(file, root, MAX_FILE))) return undefined;
  return readFile(file, 'utf8');
}

/** Whether a file is one of the application, links followed, and not too large. @throws the file system's error */
async function isOwn(file: string, root: string, maxBytes: number): Promise<boolean> {
  if (resolve(file) !== file) return false;
  const folder = await realpath(root);
  // A process that was started in the root folder has no application folder.
  if (folder === parse(folder).root) return false;
  const steps = relative(folder, await realpath(file)).split(sep);
  if (steps.some((step) => step === '' || step === 'node_modules' || step.startsWith('.'))) return false;
  const found = await stat(file);
  return found.isFile() && found.size <= maxBytes;
}

const MAP_URL = '//# sourceMappingURL=';

/** What a file says of its source map; empty where there is none that may be read. */
async function findMap(text: string, file: string, root: string): Promise<string> {
  const at = text.lastIndexOf(MAP_URL);
  if (at === -1) return '';
  const url = text.slice(at + MAP_URL.length).split(/\s/, 1)[0] ?? '';
  if (url.startsWith('data:')) return url.length <= MAX_MAP ? url : '';
  if (/^[a-z][\w+.-]+:/i.test(url)) return '';
  const path = resolve(dirname(file), decodeURIComponent(url));
  return extname(path) === '.map' && (await isOwn(path, root, MAX_MAP).catch(() => false)) ? url : '';
}
