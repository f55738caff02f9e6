/**
 * The text with comments, strings, templates and regular expressions blanked out, and every other character at its place, so
 * that code can be searched by patterns.
 */
export function blankOut(source: string): string {
  const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');
  // A slash after one of these begins a regular expression, and a division after anything else.
  const pattern =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[=(,:[!&|?{};]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return source.replaceAll(pattern, blank);
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The index of the bracket that closes the one at `open`; undefined where brackets do not match. */
export function closingBracket(blanked: string, open: number): number | undefined {
  const expected: string[] = [];
  for (let index = open; index < blanked.length; index += 1) {
    const character = blanked[index] ?? '';
    const closing = CLOSING[character];
    if (closing !== undefined) expected.push(closing);
    else if (')]}'.includes(character)) {
      if (expected.pop() !== character) return undefined;
      if (expected.length === 0) return index;
    }
  }
  return undefined;
}

/** The index behind `name:` among the properties of the object that begins at `open`; undefined where it has none of that name. */
export function valueOfProperty(blanked: string, open: number, name: string): number | undefined {
  const close = closingBracket(blanked, open);
  if (close === undefined) return undefined;
  const pattern = new RegExp(`(?:[{,]\\s*)${name}\\s*:\\s*`, 'g');
  for (const match of blanked.slice(open, close).matchAll(pattern)) {
    const at = open + match.index;
    if (depthBetween(blanked, open, at + match[0].length) === 1) return at + match[0].length;
  }
  return undefined;
}

function depthBetween(blanked: string, from: number, to: number): number {
  let depth = 0;
  for (const character of blanked.slice(from, to)) {
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
  }
  return depth;
}

/** The white space at the start of the line of an index. */
export function indentAt(source: string, index: number): string {
  const line = source.slice(source.lastIndexOf('\n', index - 1) + 1);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** How the file writes line ends, quotes and the ends of statements. */
export interface TextStyle {
  readonly newline: string;
  readonly quote: string;
  readonly end: string;
}

export function styleOf(source: string): TextStyle {
  const imports = source.match(/^import .*$/gm) ?? [];
  return {
    newline: source.includes('\r\n') ? '\r\n' : '\n',
    quote: imports.length > 0 && imports.every((line) => line.includes('"')) ? '"' : "'",
    end: imports.length > 0 && imports.every((line) => !line.trimEnd().endsWith(';')) ? '' : ';',
  };
}
