import { type Attributes, type Span } from '@opentelemetry/api';

import { appendPlainLine, MAX_PLAIN_BYTES, type PlainLineParts } from './append-plain-line.js';
import { type LineRecord } from './emit-log-record.js';
import { LineBuffer } from './line-buffer.js';
import { type Destination } from './logging-state.js';
import { type LineContent } from './parse-log-line.js';
import { type LineSource } from './written-line.js';

/** For destinations that take texts. */
const scratch = new LineBuffer(MAX_PLAIN_BYTES);

/** A line whose fields are all texts, numbers and booleans, which says what it says without being read back. */
export class PlainLine implements LineSource, LineRecord, PlainLineParts {
  readonly time = Date.now();

  /**
   * @param level pino's number
   * @param message of a caller that may have given anything
   * @param attributes the fields as the caller gave them, and `context`, the class that logs
   * @param span the span the line belongs to
   * @param bindings what the logger puts on each of its lines, as JSON that begins with a comma
   */
  constructor(
    readonly level: number,
    readonly message: string,
    readonly attributes: Attributes,
    readonly span: Span | undefined,
    readonly bindings: string,
  ) {}

  /** Writes nothing, and returns false, where the line is not plain: then it is pino's to write. */
  writeTo(destination: Destination): boolean {
    const { bytes } = destination;
    const buffer = bytes === undefined ? scratch : bytes.open();
    // Dropped, as any other line would be.
    if (buffer === undefined) return true;
    if (!appendPlainLine(buffer, this)) return false;
    if (bytes === undefined) destination.write(takeText(buffer));
    else bytes.appended();
    return true;
  }

  get context(): string | undefined {
    const { context } = this.attributes;
    return typeof context === 'string' ? context : undefined;
  }

  toRecord(): LineRecord {
    return this;
  }

  toContent(): LineContent {
    const { level, time, message, context, attributes } = this;
    const fields: Record<string, unknown> = {};
    for (const key in attributes)
      if (key !== 'context' || context === undefined) fields[key] = attributes[key];
    return { level, time, message, context, error: undefined, fields };
  }
}

function takeText(buffer: LineBuffer): string {
  const text = buffer.view().toString();
  buffer.truncate(0);
  return text;
}
