/** BullMQ as far as it is used here; it is never imported. */

/** What travels with a job beside its data. */
export interface JobOptions {
  readonly delay?: number;
  /** Where BullMQ keeps the trace context of a job, whatever telemetry wrote it. */
  readonly telemetry?: { readonly metadata?: string; readonly omitContext?: boolean };
}

export interface BullJob {
  readonly id?: string;
  readonly name: string;
  readonly queueName?: string;
  readonly opts?: JobOptions;
  /** When it was added, in milliseconds since 1970. */
  readonly timestamp?: number;
  /** When this attempt began, in milliseconds since 1970. */
  readonly processedOn?: number;
  readonly attemptsMade?: number;
  readonly attemptsStarted?: number;
  readonly repeatJobKey?: string;
}

/** A `Queue` or `Worker`. */
export interface BullQueue {
  readonly name: string;
  readonly opts?: { readonly telemetry?: unknown };
}

/** One job of a flow, above its children. */
export interface FlowJob {
  readonly name: string;
  readonly queueName: string;
  readonly opts?: JobOptions;
  readonly children?: readonly FlowJob[];
}
