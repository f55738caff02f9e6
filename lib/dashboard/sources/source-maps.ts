import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { getOrAdd } from '../get-or-add.js';
import { type CodeLocation, type LoadedScript } from './locate-functions.js';

/** A line of a file that can be opened. */
export interface SourceLocation {
  /** An absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

const INSTALLED = /[\\/]node_modules[\\/]/;

/**
 * Finds the line that was written for what runs: by the source map of the script where it has one and the file is there, else in
 * the script itself. Each map is read once, so give it up afterwards: some are large.
 */
export class SourceMaps {
  private readonly maps = new Map<LoadedScript, Promise<SourceMap | undefined>>();

  /** Undefined for code that is in no file, and for installed packages, which are not edited. Never rejects. */
  async find({ script, line, column }: CodeLocation): Promise<SourceLocation | undefined> {
    const compiled = pathOf(script.url);
    if (compiled === undefined || INSTALLED.test(compiled)) return undefined;
    const entry = (await this.mapOf(script))?.findEntry(line, column);
    if (entry !== undefined && 'originalSource' in entry) {
      const file = pathOf(entry.originalSource);
      if (file !== undefined && existsSync(file)) return { file, line: entry.originalLine + 1 };
    }
    return { file: compiled, line: line + 1 };
  }

  private mapOf(script: LoadedScript): Promise<SourceMap | undefined> {
    return getOrAdd(this.maps, script, () => readMap(script));
  }
}

async function readMap({ url, sourceMapUrl }: LoadedScript): Promise<SourceMap | undefined> {
  if (sourceMapUrl === '') return undefined;
  try {
    const base = new URL(sourceMapUrl, toUrl(url));
    const text = base.protocol === 'data:' ? textOf(base) : await readFile(base, 'utf8');
    const payload = JSON.parse(text) as SourceMapPayload;
    // Where the map is part of the script, its sources lie beside that.
    const beside = base.protocol === 'data:' ? toUrl(url) : base;
    return new SourceMap({ ...payload, sourceRoot: '', sources: absolute(payload, beside) });
  } catch {
    // Not there, or no map: the script itself is shown, which is true as well.
    return undefined;
  }
}

function absolute({ sourceRoot = '', sources }: Partial<SourceMapPayload>, base: URL): string[] {
  const root = sourceRoot === '' ? base : new URL(`${sourceRoot.replace(/\/$/, '')}/`, base);
  return (sources ?? []).map((source) => new URL(source, root).href);
}

function textOf({ pathname }: URL): string {
  const comma = pathname.indexOf(',');
  const data = decodeURIComponent(pathname.slice(comma + 1));
  return pathname.slice(0, comma).endsWith(';base64') ? Buffer.from(data, 'base64').toString('utf8') : data;
}

/** Scripts go by URLs, and by paths where a loader of CommonJS gave them their names. */
function toUrl(name: string): URL {
  return URL.canParse(name) ? new URL(name) : pathToFileURL(name);
}

function pathOf(name: string): string | undefined {
  if (name === '') return undefined;
  try {
    const url = toUrl(name);
    return url.protocol === 'file:' ? fileURLToPath(url) : undefined;
  } catch {
    // On another machine, as far as one can tell.
    return undefined;
  }
}
