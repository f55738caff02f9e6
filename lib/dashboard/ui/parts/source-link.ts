import type { JsonAttributes } from '../../reader/answers/answer-parts.interface.js';
import type { SpanAnswer } from '../../reader/answers/traces.interface.js';

export interface Source {
  readonly file: string;
  readonly line: number | undefined;
  /** Undefined when there is no safe way to open it. */
  readonly href: string | undefined;
}

const DEFAULT_EDITOR = 'vscode://file/{file}:{line}';

function textOf(attributes: JsonAttributes, ...names: readonly string[]): string | undefined {
  const value = names.map((name) => attributes[name]).find((each) => each !== undefined && each !== null);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** `/a b/c.ts` as `/a%20b/c.ts`; with a slash in front on Windows too. */
const encodePath = (file: string): string =>
  file
    .replaceAll('\\', '/')
    .replace(/^(?!\/)/, '/')
    .split('/')
    .map((step) => encodeURIComponent(step).replaceAll('%3A', ':'))
    .join('/');

/** What a place that the API names would be as attributes. */
export function attributesOfSource(source: SpanAnswer['source']): JsonAttributes {
  return source === undefined ? {} : { 'code.file.path': source.file, 'code.line.number': source.line };
}

/**
 * Where a span comes from in the source, and the link that opens it in the editor. The path is data: it is only ever put, encoded, behind
 * the scheme that the application's owner chose.
 */
export function sourceOf(
  attributes: JsonAttributes,
  editor: string | null = DEFAULT_EDITOR,
): Source | undefined {
  const file = textOf(attributes, 'code.file.path', 'code.filepath');
  if (file === undefined) return undefined;
  const line = Number(textOf(attributes, 'code.line.number', 'code.lineno') ?? Number.NaN);
  const column = Number(textOf(attributes, 'code.column.number', 'code.column') ?? 1);
  const absolute = /^(\/|[A-Za-z]:[\\/])/.test(file);
  const usable = absolute && editor !== null && !/^(javascript|data|vbscript):/i.test(editor.trim());
  const path = encodePath(file);
  return {
    file,
    line: Number.isInteger(line) ? line : undefined,
    href: usable
      ? editor
          .replaceAll('/{file}', () => path)
          .replaceAll('{file}', () => path)
          .replaceAll('{line}', String(Number.isInteger(line) ? line : 1))
          .replaceAll('{column}', String(Number.isInteger(column) ? column : 1))
      : undefined,
  };
}
