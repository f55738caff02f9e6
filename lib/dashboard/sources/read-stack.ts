/** A line of a stack. */
export interface StackFrame {
  /** As it was written, without `at`. */
  readonly text: string;
  readonly functionName: string | undefined;
  /** A path or URL; undefined for native code and code without a file. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Of Node or an installed package. */
  readonly isLibrary: boolean;
}

/** The stack of an error, or of one of its causes. */
export interface StackPart {
  /** Name and message. */
  readonly title: string;
  readonly frames: readonly StackFrame[];
}

const MAX_PARTS = 10;
const MAX_FRAMES = 100;
/** A longer line is no call site that V8 writes. */
const MAX_LINE = 1_000;

const NEXT_PART = /\n(?=Caused by: |\[errors \d+\] )/;
const FRAME = /^\s+at /;

/** Reads a stack as this library and Node write it; what is no line of a stack is part of a title. */
export function readStack(stack: string): readonly StackPart[] {
  return stack.split(NEXT_PART, MAX_PARTS).map((part) => {
    const lines = part.split('\n');
    const first = lines.findIndex((line) => FRAME.test(line));
    const rest = first === -1 ? [] : lines.slice(first);
    const frames = rest.filter((line) => FRAME.test(line) && line.length <= MAX_LINE);
    return {
      title: (first === -1 ? lines : lines.slice(0, first)).join('\n'),
      frames: frames.slice(0, MAX_FRAMES).map(readFrame),
    };
  });
}

/** `    at async OrderService.find (/app/dist/order.service.js:10:5)` */
function readFrame(line: string): StackFrame {
  const text = line.trim().replace(/^at /, '');
  const open = text.endsWith(')') ? text.lastIndexOf(' (') : -1;
  const location = open === -1 ? text.replace(/^async /, '') : text.slice(open + 2, -1);
  const [, file, row, column] = /^(.+):(\d+):(\d+)$/.exec(location) ?? [];
  return {
    text,
    functionName: open === -1 ? undefined : text.slice(0, open).replace(/^async /, ''),
    file,
    line: row === undefined ? undefined : Number(row),
    column: column === undefined ? undefined : Number(column),
    isLibrary: file === undefined || /^node:|[\\/]node_modules[\\/]|^<|^eval at /.test(file),
  };
}
