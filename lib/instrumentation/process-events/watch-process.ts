import { isMainThread } from 'node:worker_threads';

import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { runProcessEnd } from '../../process/process-end.js';
import { undoAll } from '../../process/undo-all.js';
import { type SdkRuntime } from '../../runtime/sdk-runtime.js';
import { recordUncaught } from './record-uncaught.js';

/** Hands over what is buffered when the process ends without `app.close()`; returns the undo. */
export function watchProcess(runtime: SdkRuntime): () => void {
  const { processEvents }: TelemetryConfig = runtime.config;
  const undo = [flushWhenIdle(runtime)];
  if (processEvents.uncaught) undo.push(recordUncaught());
  // Signals are those of the main thread.
  if (processEvents.signals && isMainThread) {
    const { signalTimeoutMs: timeoutMs } = processEvents;
    undo.push(new SignalFlush(() => runtime.flush({ timeoutMs }), timeoutMs).start());
  }
  return undoAll(undo);
}

/**
 * When nothing else is left to do (a script, an application context that is never closed), a flush
 * gives the process one more turn.
 */
function flushWhenIdle(runtime: SdkRuntime): () => void {
  const flush = (): void => {
    void runtime.flush();
  };
  process.once('beforeExit', flush);
  return () => {
    process.off('beforeExit', flush);
  };
}

/**
 * Signals that end a process which does not listen for them, except those that cannot be caught.
 */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32'
    ? ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']
    : ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];

/** A process that survives its signal (PID 1 of a container) is watched again after this time. */
const SURVIVED_MS = 100;

/**
 * Flushes when a signal is about to end the process, and then raises the same signal again, so that
 * the exit status is the one it would have been.
 *
 * A listener of ours exists only while there is no other one for the signal: other listeners often
 * look at their number to decide whether the process should end, and must see what they would see
 * without us.
 */
class SignalFlush {
  private readonly listening = new Set<NodeJS.Signals>();
  /** Signals for which our listener was removed. */
  private readonly declined = new Set<NodeJS.Signals>();
  private started = false;
  private ending: NodeJS.Signals | undefined;

  /**
   * @param flush must not reject
   * @param timeoutMs longest time between the signal and the end
   */
  constructor(
    private readonly flush: () => Promise<unknown>,
    private readonly timeoutMs: number,
  ) {}

  /** Returns what ends it. */
  start(): () => void {
    this.started = true;
    process.on('newListener', this.onAdded);
    process.on('removeListener', this.onRemoved);
    for (const signal of SIGNALS) if (process.listenerCount(signal) === 0) this.listen(signal);
    return () => {
      this.stop();
    };
  }

  private stop(): void {
    this.started = false;
    process.off('newListener', this.onAdded);
    process.off('removeListener', this.onRemoved);
    for (const signal of this.listening) this.leave(signal);
  }

  private listen(signal: NodeJS.Signals): void {
    this.listening.add(signal);
    try {
      process.on(signal, this.onSignal);
    } catch {
      // This platform does not have it.
      this.listening.delete(signal);
    }
  }

  private leave(signal: NodeJS.Signals): void {
    this.listening.delete(signal);
    process.off(signal, this.onSignal);
  }

  private readonly onAdded = (event: string | symbol, listener: unknown): void => {
    const signal = signalOf(event);
    if (signal === undefined || listener === this.onSignal) return;
    this.declined.delete(signal);
    this.stepBackOrIn(signal);
  };

  private readonly onRemoved = (event: string | symbol, listener: unknown): void => {
    const signal = signalOf(event);
    if (signal === undefined) return;
    if (listener !== this.onSignal) this.stepBackOrIn(signal);
    // Removed by the application, which wants no listener at all.
    else if (this.listening.delete(signal)) this.declined.add(signal);
  };

  /**
   * Later: while a listener is added or removed, Node decides whether to watch the signal at all.
   */
  private stepBackOrIn(signal: NodeJS.Signals): void {
    process.nextTick(() => {
      if (!this.started || this.declined.has(signal)) return;
      const listens = this.listening.has(signal);
      const others = process.listenerCount(signal) - (listens ? 1 : 0);
      if (listens && others > 0) this.leave(signal);
      else if (!listens && others === 0) this.listen(signal);
    });
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    // The second signal does not wait for the flush that the first one has begun.
    if (this.ending !== undefined) {
      this.end(this.ending);
      return;
    }
    this.ending = signal;
    const end = (): void => {
      clearTimeout(timer);
      this.end(signal);
    };
    // This timer keeps the process alive: with nothing left to do it would exit with status 0.
    const timer = setTimeout(end, this.timeoutMs);
    this.flush().then(end, end);
  };

  private end(signal: NodeJS.Signals): void {
    if (this.ending === undefined) return;
    this.ending = undefined;
    const watched = [...this.listening];
    this.stop();
    runProcessEnd();
    process.kill(process.pid, signal);
    // Still here.
    setTimeout(() => {
      if (watched.length > 0) this.start();
    }, SURVIVED_MS).unref();
  }
}

function signalOf(event: string | symbol): NodeJS.Signals | undefined {
  return SIGNALS.find((signal) => signal === event);
}
