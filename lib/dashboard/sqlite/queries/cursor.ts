/** Where a page ends: the order is by `at`, newest first, and by `id` among equals. */
export interface Cursor {
  readonly at: number;
  readonly id: number;
}

export function writeCursor({ at, id }: Cursor): string {
  return `${Math.max(0, Math.floor(at))}.${id}`;
}

/** Undefined for a text that is none. */
export function readCursor(text: string | undefined): Cursor | undefined {
  const [, at, id] = /^(\d{1,17})\.(\d{1,16})$/.exec(text ?? '') ?? [];
  return at === undefined || id === undefined ? undefined : { at: Number(at), id: Number(id) };
}
