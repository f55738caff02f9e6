import { type SourceAnswer, type SourceExcerptAnswer } from '../reader/answers/answer-parts.interface.js';
import { readStack, type StackFrame, type StackPart } from './read-stack.js';

type Place = SourceAnswer & { readonly column: number };

/** Reads the source around places of a stack; undefined for each where it is not at hand. */
export type ReadSources = (places: readonly Place[]) => Promise<readonly (SourceExcerptAnswer | undefined)[]>;

/** A line of a stack, with the source around it where that is at hand. */
export interface SourcedFrame extends StackFrame {
  readonly source?: SourceExcerptAnswer | undefined;
}

/** The stack of an error, then those of its causes. */
export type SourcedStack = readonly (Omit<StackPart, 'frames'> & {
  readonly frames: readonly SourcedFrame[];
})[];

/** Frames whose source is read. */
const MAX_SOURCES = 8;

/** @param readSources undefined where no source is to be shown */
export async function sourceStack(
  stack: string | undefined,
  readSources: ReadSources | undefined,
): Promise<SourcedStack> {
  const parts = stack === undefined ? [] : readStack(stack);
  const places = new Map<StackFrame, Place>();
  for (const frame of parts.flatMap(({ frames }) => frames)) {
    const { file, line, column, isLibrary } = frame;
    if (isLibrary || file === undefined || line === undefined || places.size >= MAX_SOURCES) continue;
    places.set(frame, { file, line, column: column ?? 1 });
  }
  const excerpts = (await readSources?.([...places.values()])) ?? [];
  const sources = new Map([...places.keys()].map((frame, index) => [frame, excerpts[index]]));
  return parts.map(({ title, frames }) => ({
    title,
    frames: frames.map((frame) => {
      const source = sources.get(frame);
      return source === undefined ? frame : { ...frame, source };
    }),
  }));
}
