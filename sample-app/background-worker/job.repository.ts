import { Injectable } from '@nestjs/common';
import { Trace } from 'nestjs-telemetry';

import { type JobResult } from '../contracts/job.interface.js';
import { type User } from '../contracts/user.interface.js';
import { Database } from '../service-host/database.client.js';

/** How many results a list has at most. */
const LISTED = 20;

/** What jobs read and write, in PostgreSQL. */
@Injectable()
export class JobRepository {
  constructor(private readonly database: Database) {}

  /** @throws Error for an unknown id */
  async fetchUser(userId: string): Promise<User> {
    const [user] = await this.database.query<User>('SELECT id, name, voice FROM users WHERE id = $1', [
      userId,
    ]);
    if (user === undefined) throw new Error(`user ${userId} not found`);
    return user;
  }

  async saveResult({ jobId, userId, summary, words }: JobResult): Promise<void> {
    await this.database.query(
      'INSERT INTO results (job_id, user_id, summary, words) VALUES ($1, $2, $3, $4)',
      [jobId, userId, summary, words],
    );
  }

  /** Deletes results that are a day old, and returns how many there were. */
  async deleteOldResults(): Promise<number> {
    const deleted = await this.database.query(
      "DELETE FROM results WHERE saved_at < now() - interval '1 day' RETURNING job_id",
      [],
    );
    return deleted.length;
  }

  /** The newest results of a user. */
  findResults(userId: string): Promise<JobResult[]> {
    return this.database.query<JobResult>(
      `SELECT job_id AS "jobId", user_id AS "userId", summary, words FROM results
       WHERE user_id = $1 ORDER BY saved_at DESC LIMIT ${LISTED}`,
      [userId],
    );
  }

  /** The same with a statement for each of them: what a trace shows as repeated queries. */
  async findResultsOneByOne(userId: string): Promise<JobResult[]> {
    const ids = await this.database.query<{ readonly jobId: string }>(
      `SELECT job_id AS "jobId" FROM results WHERE user_id = $1 ORDER BY saved_at DESC LIMIT ${LISTED}`,
      [userId],
    );
    const results: JobResult[] = [];
    for (const { jobId } of ids) {
      const result = await this.findResult(jobId);
      if (result !== undefined) results.push(result);
    }
    return results;
  }

  @Trace()
  async findResult(jobId: string): Promise<JobResult | undefined> {
    const [result] = await this.database.query<JobResult>(
      'SELECT job_id AS "jobId", user_id AS "userId", summary, words FROM results WHERE job_id = $1',
      [jobId],
    );
    return result;
  }
}
