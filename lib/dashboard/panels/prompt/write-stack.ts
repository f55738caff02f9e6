import { type SourcedFrame, type SourcedStack } from '../../sources/source-stack.js';
import { relativePath } from './source-places.js';

/** Frames of one stack: what is below them is seldom the reason. */
const MAX_FRAMES = 25;

/** The lines of a stack and of its causes, with relative paths; frames of libraries in a row are one line. */
export function writeStack(parts: SourcedStack, root: string): readonly string[] {
  return parts.flatMap(({ title, frames }) => [
    ...title.split('\n').slice(0, 5),
    ...foldFrames(frames.slice(0, MAX_FRAMES), root),
  ]);
}

function foldFrames(frames: readonly SourcedFrame[], root: string): readonly string[] {
  const lines: string[] = [];
  let folded = 0;
  const unfold = (): void => {
    if (folded > 0) lines.push(`    … ${folded} library frame${folded === 1 ? '' : 's'}`);
    folded = 0;
  };
  for (const frame of frames) {
    if (frame.isLibrary) {
      folded += 1;
      continue;
    }
    unfold();
    lines.push(`    at ${placeOf(frame, root)}`);
  }
  unfold();
  return lines;
}

/** The place in the source where that is known, else the one in the script. */
function placeOf({ text, functionName, file, source }: SourcedFrame, root: string): string {
  if (source !== undefined) {
    const place = `${relativePath(source.file, root)}:${source.line}`;
    return functionName === undefined ? place : `${functionName} (${place})`;
  }
  return file === undefined ? text : text.replace(file, () => relativePath(file, root));
}

/** The source around the first frame of the application, with the line marked; empty where it is not at hand. */
export function writeExcerpt(parts: SourcedStack, root: string): readonly string[] {
  const source = parts.flatMap(({ frames }) => frames).find((frame) => frame.source !== undefined)?.source;
  if (source === undefined) return [];
  const { file, line, firstLine, lines } = source;
  return [
    `${relativePath(file, root)}:${line}`,
    ...lines.map((each, index) => {
      const number = firstLine + index;
      return `${number === line ? '>' : ' '} ${String(number).padStart(5)} ${each}`;
    }),
  ];
}
