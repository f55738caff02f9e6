/** Reads the commands a Redis client sends: arrays of bulk strings, cut into chunks wherever the network pleased. */
export class RespCommandReader {
  private buffered: Buffer = Buffer.alloc(0);

  /** The commands `chunk` completed. @throws SyntaxError when it is not RESP */
  read(chunk: Buffer): string[][] {
    this.buffered = Buffer.concat([this.buffered, chunk]);
    const commands: string[][] = [];
    for (let command = this.takeCommand(); command !== undefined; command = this.takeCommand()) {
      commands.push(command);
    }
    return commands;
  }

  private takeCommand(): string[] | undefined {
    const header = this.lineAt(0);
    if (header === undefined) return undefined;
    let position = header.end;
    const count = readLength(header.text, '*');
    const command: string[] = [];
    while (command.length < count) {
      const size = this.lineAt(position);
      if (size === undefined) return undefined;
      const end = size.end + readLength(size.text, '$');
      if (this.buffered.length < end + 2) return undefined;
      command.push(this.buffered.toString('utf8', size.end, end));
      position = end + 2;
    }
    this.buffered = this.buffered.subarray(position);
    return command;
  }

  private lineAt(start: number): { text: string; end: number } | undefined {
    const end = this.buffered.indexOf('\r\n', start);
    return end < 0 ? undefined : { text: this.buffered.toString('utf8', start, end), end: end + 2 };
  }
}

function readLength(line: string, type: '*' | '$'): number {
  const length = Number(line.slice(1));
  if (!line.startsWith(type) || !Number.isInteger(length) || length < 0) {
    throw new SyntaxError(`expected ${type}<length>, received ${JSON.stringify(line.slice(0, 40))}`);
  }
  return length;
}

/** How an answer is written; the version is what the client asked for with HELLO. */
export const resp = {
  simple: (text: string): string => `+${text}\r\n`,
  error: (text: string): string => `-ERR ${text}\r\n`,
  integer: (value: number): string => `:${value}\r\n`,
  bulk: (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`,
  nothing: (version: 2 | 3): string => (version === 3 ? '_\r\n' : '$-1\r\n'),
  map: (version: 2 | 3, entries: readonly (readonly [key: string, value: string])[]): string =>
    (version === 3 ? `%${entries.length}` : `*${entries.length * 2}`) +
    `\r\n${entries.map(([key, value]) => resp.bulk(key) + value).join('')}`,
};
