import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
} from '@nestjs/common';

import { type Job, type JobResult } from '../contracts/job.interface.js';
import { hasFault } from '../service-host/fault.js';
import { JobQueue } from './job.queue.js';
import { JobRepository } from './job.repository.js';

/** `POST /jobs` accepts a job, `GET /jobs?userId=` lists a user's results, `GET /jobs/:jobId` returns one result. */
@Controller('jobs')
export class JobsController {
  constructor(
    private readonly queue: JobQueue,
    private readonly jobs: JobRepository,
  ) {}

  @Post()
  @HttpCode(202)
  accept(@Body() job: Partial<Job> | undefined): { jobId: string } {
    const { jobId, userId, text, simulate } = job ?? {};
    if (!jobId || !userId || !text) throw new BadRequestException('jobId, userId and text required');
    this.queue.add({ jobId, userId, text, ...(simulate && { simulate }) });
    return { jobId };
  }

  /** With `simulate=n-plus-one` it asks the database once for each result. */
  @Get()
  list(
    @Query('userId') userId: string | undefined,
    @Query('simulate') simulate: string | undefined,
  ): Promise<JobResult[]> {
    if (!userId) throw new BadRequestException('userId required');
    const isOneByOne = simulate === 'n-plus-one' || hasFault('n-plus-one');
    return isOneByOne ? this.jobs.findResultsOneByOne(userId) : this.jobs.findResults(userId);
  }

  @Get(':jobId')
  async result(@Param('jobId') jobId: string): Promise<JobResult> {
    const result = await this.jobs.findResult(jobId);
    if (result === undefined) throw new NotFoundException(`job ${jobId} has no result`);
    return result;
  }
}
