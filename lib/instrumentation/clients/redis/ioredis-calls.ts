import { type RunningOperation } from '../database/record-operation.js';
import { type IoredisCommand } from './ioredis-module.interface.js';

/** What the channels and the patches of ioredis must know of each other, so that no command has two spans. */
export class IoredisCalls {
  private readonly known = new WeakMap<IoredisCommand, RunningOperation | undefined>();
  private silent = 0;
  private batches = 0;
  private batch: RunningOperation | undefined;

  /** True while a pipeline or transaction hands its commands on: they are one operation. */
  get inBatch(): boolean {
    return this.batches > 0;
  }

  /** True for an event of ioredis about a command that has its operation already. */
  get ignoresEvents(): boolean {
    return this.silent > 0 || this.inBatch;
  }

  /** Whether a command is dealt with; ioredis may send it several times, after its connection is there. */
  isKnown(command: IoredisCommand): boolean {
    return this.known.has(command);
  }

  know(command: IoredisCommand, operation: RunningOperation | undefined): void {
    this.known.set(command, operation);
  }

  /** The operation that a command which is sent now belongs to, its own or that of its batch; undefined where ioredis tells of it. */
  operationOf(command: IoredisCommand): RunningOperation | undefined {
    return this.known.get(command) ?? this.batch;
  }

  withoutEvents<T>(send: () => T): T {
    this.silent += 1;
    try {
      return send();
    } finally {
      this.silent -= 1;
    }
  }

  beginBatch(): void {
    this.batches += 1;
  }

  endBatch(): void {
    this.batches -= 1;
  }

  asBatch<T>(operation: RunningOperation | undefined, execute: () => T): T {
    const outer = this.batch;
    this.batch = operation;
    this.beginBatch();
    try {
      return execute();
    } finally {
      this.endBatch();
      this.batch = outer;
    }
  }
}
