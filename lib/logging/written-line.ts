import { type LineRecord, toLineRecord } from './emit-log-record.js';
import { type Destination } from './logging-state.js';
import {
  type LineContent,
  type LineKeys,
  type LineParts,
  type LogLine,
  parseLogLine,
  readPlainLine,
} from './parse-log-line.js';

/** Returns the text of a line for people; undefined where lines stay the JSON that pino wrote. */
export type LineFormat = ((line: LogLine) => string) | undefined;

/** A line on its way to whoever wants it; what it says is found out when somebody asks. */
export interface LineSource {
  /** Returns false, and writes nothing, where somebody else has to write it. */
  writeTo(destination: Destination): boolean;
  toRecord(): LineRecord;
  toContent(): LineContent;
}

/** A line that pino wrote. */
export class WrittenLine implements LineSource {
  private line: LogLine | undefined;

  /** @param parts what pino was given, where the line says nothing else */
  constructor(
    private readonly text: string,
    private readonly level: number,
    private readonly parts: LineParts | undefined,
    private readonly format: LineFormat,
    private readonly keys: LineKeys,
  ) {}

  writeTo(destination: Destination): boolean {
    destination.write(this.format?.(this.read()) ?? this.text);
    return true;
  }

  toRecord(): LineRecord {
    return toLineRecord(this.read());
  }

  toContent(): LineContent {
    return this.read();
  }

  private read(): LogLine {
    const { text, level, parts, keys } = this;
    return (this.line ??= (parts && readPlainLine(parts, level)) ?? parseLogLine(text, level, keys));
  }
}
