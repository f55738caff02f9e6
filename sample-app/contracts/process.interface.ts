/** Body of `POST /process`, at the gateway and at the orchestrator. */
export interface ProcessRequest {
  readonly text: string;
  /** Whose voice answers. Default `ada`. */
  readonly userId?: string;
  /** Makes a part of the system misbehave on purpose, for demonstrations and tests. */
  readonly simulate?: Simulation;
}

export interface Simulation {
  /** The gateway computes for 300 ms and answers nothing else meanwhile. */
  readonly cpu?: 'busy';
  readonly llm?: 'slow' | 'fail';
  readonly job?: 'fail';
}

/** What the orchestrator answers. */
export interface ProcessResult {
  readonly text: string;
  readonly user: { readonly id: string; readonly name: string };
  readonly audio: { readonly id: string; readonly voice: string; readonly cached: boolean };
  /** The job the background worker does after the answer was sent; `GET /jobs/:jobId` there tells how it went. */
  readonly jobId: string;
}

/** What the gateway answers: the result, and the id under which the whole trace can be found. */
export interface ProcessResponse extends ProcessResult {
  readonly traceId: string | undefined;
}
