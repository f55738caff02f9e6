import { blankOut, closingBracket, indentAt, styleOf, valueOfProperty } from './source-text.js';

/** A text after an edit, or why it was left alone, with what to write by hand. */
export type Edited =
  | { readonly text: string; readonly byHand?: undefined }
  | { readonly text?: undefined; readonly byHand: string };

const CALL = 'TelemetryModule.forRoot()';
const PACKAGE = 'nestjs-telemetry';

/** The class that a main file passes to `NestFactory`, and the relative path that it is imported from. */
export function findRootModule(main: string): { readonly name: string; readonly from: string } | undefined {
  const created =
    /\bNestFactory\s*\.\s*create(?:Microservice|ApplicationContext)?\s*(?:<[^()]*>)?\(\s*([A-Za-z_$][\w$]*)/.exec(
      blankOut(main),
    );
  const name = created?.[1];
  if (name === undefined) return undefined;
  const imported = new RegExp(
    `import\\s*\\{[^}]*\\b${escape(name)}\\b[^}]*\\}\\s*from\\s*(['"])(\\.[^'"]*)\\1`,
  ).exec(main);
  return imported?.[2] === undefined ? undefined : { name, from: imported[2] };
}

/** Imports the module first in the `@Module()` of a class; returns the same text where it is imported. */
export function importTelemetry(source: string, className: string): Edited {
  const blanked = blankOut(source);
  if (/\bTelemetryModule\b/.test(blanked)) return { text: source };
  const byHand = `add ${CALL} to the imports of ${className}, imported from ${PACKAGE}.`;
  const classAt = new RegExp(`\\bclass\\s+${escape(className)}\\b`).exec(blanked)?.index;
  const decorator = classAt === undefined ? -1 : blanked.lastIndexOf('@Module', classAt);
  const opening = /^@Module\s*\(\s*\{/.exec(blanked.slice(Math.max(decorator, 0)))?.[0];
  if (decorator < 0 || opening === undefined) return { byHand };
  const object = decorator + opening.length - 1;
  const value = valueOfProperty(blanked, object, 'imports');
  const edited =
    value === undefined ? addProperty(source, blanked, object) : addElement(source, blanked, value);
  return edited === undefined ? { byHand } : { text: addImport(edited) };
}

/** Calls `enableShutdownHooks()` on the application of a main file; returns the same text where that is called. */
export function enableShutdownHooks(source: string): Edited {
  const blanked = blankOut(source);
  if (/\benableShutdownHooks\b/.test(blanked)) return { text: source };
  const byHand = 'call app.enableShutdownHooks() on the application, so that the last telemetry is sent.';
  const created =
    /\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=;]+)?=\s*await\s+NestFactory\s*\.\s*create\w*\s*(?:<[^()]*>)?(?=\()/.exec(
      blanked,
    );
  if (created?.[1] === undefined) return { byHand };
  const close = closingBracket(blanked, created.index + created[0].length);
  if (close === undefined) return { byHand };
  const after = /^\s*;?/.exec(blanked.slice(close + 1))?.[0] ?? '';
  const end = close + 1 + (after.endsWith(';') ? after.length : 0);
  const { newline, end: semicolon } = styleOf(source);
  const indent = indentAt(source, created.index);
  return {
    text: `${source.slice(0, end)}${newline}${indent}${created[1]}.enableShutdownHooks()${semicolon}${source.slice(end)}`,
  };
}

function addProperty(source: string, blanked: string, object: number): string | undefined {
  const close = closingBracket(blanked, object);
  if (close === undefined) return undefined;
  const rest = source.slice(object + 1);
  if (blanked.slice(object + 1, close).trim() === '')
    return `${source.slice(0, object + 1)} imports: [${CALL}] ${source.slice(close)}`;
  const first = /^(\s*)\S/.exec(rest)?.[1] ?? ' ';
  return `${source.slice(0, object + 1)}${first}imports: [${CALL}],${rest}`;
}

function addElement(source: string, blanked: string, list: number): string | undefined {
  const close = blanked[list] === '[' ? closingBracket(blanked, list) : undefined;
  // A variable, or a call that makes the list.
  if (close === undefined) return undefined;
  const rest = source.slice(list + 1);
  if (blanked.slice(list + 1, close).trim() === '')
    return `${source.slice(0, list + 1)}${CALL}${source.slice(close)}`;
  const first = /^\s*/.exec(rest)?.[0] ?? '';
  const separator = first.includes('\n') ? first : ' ';
  return `${source.slice(0, list + 1)}${first}${CALL},${separator}${rest.slice(first.length)}`;
}

/** Below the last import of a package, else as the first line. */
function addImport(source: string): string {
  const { newline, quote, end } = styleOf(source);
  const line = `import { TelemetryModule } from ${quote}${PACKAGE}${quote}${end}${newline}`;
  const imports = [...source.matchAll(/^import\b[^;'"]*(['"])([^'"\n]+)\1;?[^\S\n]*\r?\n/gm)];
  const last = imports.findLast(([, , from = '']) => !from.startsWith('.'));
  const at = last === undefined ? 0 : last.index + last[0].length;
  return `${source.slice(0, at)}${line}${source.slice(at)}`;
}

function escape(name: string): string {
  return name.replaceAll('$', String.raw`\$`);
}
