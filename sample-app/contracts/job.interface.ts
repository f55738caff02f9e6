/** What the orchestrator hands to the background worker: `POST /jobs`. */
export interface Job {
  readonly jobId: string;
  readonly userId: string;
  readonly text: string;
  readonly simulate?: 'fail';
}

/** A row of the `results` table, and the answer of `GET /jobs/:jobId`. */
export interface JobResult {
  readonly jobId: string;
  readonly userId: string;
  readonly summary: string;
  readonly words: number;
}
