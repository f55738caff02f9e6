import { type Duplex } from 'node:stream';

/** What is told how an upgrade was answered. */
interface UpgradeRecord {
  end(statusCode: number | undefined, aborted: boolean): void;
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3}) /;

/** The longest status line whose code is looked for. */
const STATUS_LINE_LENGTH = 16;

/**
 * Ends the record of an upgrade with the answer to it, `101` or a refusal: whoever takes the upgrade writes it to the
 * socket by hand. The socket is left alone from then on, however long it stays open.
 */
export function followUpgrade(socket: Duplex, record: UpgradeRecord): void {
  const answer = (statusCode: number | undefined): void => {
    socket.off('close', giveUp);
    leaveWrite();
    leaveEnd();
    record.end(statusCode, statusCode === undefined);
  };
  const giveUp = (): void => {
    answer(undefined);
  };
  const onChunk = (chunk: unknown): void => {
    answer(readStatus(chunk));
  };
  const leaveWrite = tapOnce(socket, 'write', onChunk);
  const leaveEnd = tapOnce(socket, 'end', onChunk);
  socket.once('close', giveUp);
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Shows `look` what the method is called with next; returns what puts the method back. */
function tapOnce(socket: Duplex, name: 'write' | 'end', look: (chunk: unknown) => void): () => void {
  const members: { write: unknown; end: unknown } = socket;
  const original = members[name];
  if (typeof original !== 'function') return () => undefined;
  const own = Object.hasOwn(socket, name);
  const tapped: Method = function (...args) {
    look(args[0]);
    return Reflect.apply(original, this, args);
  };
  members[name] = tapped;
  return () => {
    if (members[name] !== tapped) return;
    if (own) members[name] = original;
    else Reflect.deleteProperty(socket, name);
  };
}

function readStatus(chunk: unknown): number | undefined {
  let text = '';
  if (typeof chunk === 'string') text = chunk;
  else if (chunk instanceof Uint8Array)
    text = Buffer.from(chunk.subarray(0, STATUS_LINE_LENGTH)).toString('latin1');
  const code = STATUS_LINE.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}
