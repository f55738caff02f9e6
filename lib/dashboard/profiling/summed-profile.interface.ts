/** Whose code a frame is: of the application, of an installed package, of Node, or native. */
export type FrameOrigin = 'own' | 'library' | 'node' | 'native';

/** A function on the stack, at one place below those that called it. */
export interface CpuFrame {
  readonly name: string;
  readonly origin: FrameOrigin;
  /** A path or URL; undefined for native code. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Its place in the list of frames; undefined at the bottom of the stack. */
  readonly parent: number | undefined;
  /** Milliseconds in which it ran itself, and not a function that it called. */
  readonly selfMs: number;
}

/** Where the time of a profile, or a part of it, went. */
export interface SummedProfile {
  /** Each after the one that called it. */
  readonly frames: readonly CpuFrame[];
  /** Frames that were too small for the answer; their time is that of the caller. */
  readonly leftOut: number;
  /** Milliseconds in which the thread worked, and in which it waited. */
  readonly busyMs: number;
  readonly idleMs: number;
  readonly samples: number;
}
