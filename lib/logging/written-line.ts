import { type LineRecord, toLineRecord } from './emit-log-record.js';
import {
  type LineKeys,
  type LineParts,
  type LogLine,
  parseLogLine,
  readPlainLine,
} from './parse-log-line.js';

/** A line on its way to whoever wants it; what it says is found out when somebody asks. */
export interface LineSource {
  read(): LogLine;
  toRecord(): LineRecord;
}

/** A line that pino wrote. */
export class WrittenLine implements LineSource {
  private line: LogLine | undefined;

  /** @param parts what pino was given, where the line says nothing else */
  constructor(
    private readonly text: string,
    private readonly level: number,
    private readonly parts: LineParts | undefined,
    private readonly keys: LineKeys,
  ) {}

  read(): LogLine {
    const { text, level, parts, keys } = this;
    return (this.line ??= (parts && readPlainLine(parts, level)) ?? parseLogLine(text, level, keys));
  }

  toRecord(): LineRecord {
    return toLineRecord(this.read());
  }
}
