import { setTimeout as sleep } from 'node:timers/promises';

/** The page refuses, and will not answer differently when it is asked again. */
export class RefusedError extends Error {}

interface FollowOptions {
  /** Address of the page, for example `http://localhost:3000/telemetry`. */
  readonly page: URL;
  /** Asked at each connection: an application that starts later writes its token then. */
  readonly token: () => string | undefined;
  readonly signal: AbortSignal;
  readonly onItem: (item: unknown) => void;
  /** The connection ended, or could not be made; it is tried again. */
  readonly onLost: (reason: string) => void;
  /** The stream is open. */
  readonly onOpen: () => void;
  /** After so many milliseconds without a byte the connection is given up. Default 30000. */
  readonly silenceMs?: number;
}

const RETRY_MS = 1_000;
/** The page sends a sign of life every ten seconds. */
const SILENCE_MS = 30_000;

/**
 * Follows the live feed of a page until `signal` is aborted; an application that restarts is found again.
 *
 * @throws RefusedError where the page needs another token, or has no feed
 */
export async function followPage({
  page,
  token,
  signal,
  onItem,
  onLost,
  onOpen,
  silenceMs = SILENCE_MS,
}: FollowOptions): Promise<void> {
  const url = `${page.href.replace(/\/$/, '')}/api/v1/stream`;
  const isEnding = (): boolean => signal.aborted;
  while (!isEnding()) {
    const silence = new Silence(silenceMs);
    try {
      const response = await fetch(url, {
        headers: authorize(token()),
        signal: AbortSignal.any([signal, silence.signal]),
      });
      await refuseWithReason(response);
      onOpen();
      await readItems(response, silence, onItem);
      onLost('the connection was closed');
    } catch (error) {
      if (isEnding()) return;
      if (error instanceof RefusedError) throw error;
      onLost(reasonOf(error));
    } finally {
      silence.end();
    }
    // Rejects when the signal aborts.
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function authorize(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** 503 means that it is stopping or full: worth another try. */
async function refuseWithReason(response: Response): Promise<void> {
  if (response.ok && response.body !== null) return;
  const body = (await response.text()).slice(0, 300);
  if (response.status === 503) throw new Error(`HTTP 503: ${body}`);
  throw new RefusedError(
    response.status === 401
      ? 'The page needs its token: set --token or TELEMETRY_DASHBOARD_TOKEN, or run this in the folder of the application.'
      : `There is no page that can be followed at ${response.url}: HTTP ${response.status} ${body}`,
  );
}

async function readItems(
  response: Response,
  silence: Silence,
  onItem: (item: unknown) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  // refuseWithReason() has checked that there is a body.
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    silence.interrupt();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onItem(JSON.parse(line));
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

/** Aborts a connection over which nothing comes, also before its answer begins. */
class Silence {
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    this.timer = setTimeout(() => {
      this.abort.abort(new Error(`no sign of life within ${milliseconds / 1_000} s`));
    }, milliseconds);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Something came. */
  interrupt(): void {
    this.timer.refresh();
  }

  end(): void {
    clearTimeout(this.timer);
  }
}
