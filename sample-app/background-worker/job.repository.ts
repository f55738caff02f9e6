import { Injectable } from '@nestjs/common';

import { type JobResult } from '../contracts/job.interface.js';
import { type User } from '../contracts/user.interface.js';
import { Database } from '../service-host/database.client.js';

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

  async findResult(jobId: string): Promise<JobResult | undefined> {
    const [result] = await this.database.query<JobResult>(
      'SELECT job_id AS "jobId", user_id AS "userId", summary, words FROM results WHERE job_id = $1',
      [jobId],
    );
    return result;
  }
}
