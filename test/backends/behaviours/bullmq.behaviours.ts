import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { type Job, type Queue } from 'bullmq';

import { eventually } from '../../e2e/behaviours/collectors.js';
import { type Platform, platformName } from '../../e2e/behaviours/platform.js';
import { RunningApp } from '../../e2e/behaviours/running-app.js';
import { describeWith } from '../backend-processes.js';
import { RedisServer } from '../redis-server.js';

const processed: unknown[] = [];

@Processor('mail')
class MailProcessor extends WorkerHost {
  async process(job: Job): Promise<void> {
    processed.push(job.data);
  }
}

export function describeBullmq(platform: Platform): void {
  describeWith('redis', `BullMQ on Redis, ${platformName(platform)}`, (binary) => {
    let redis: RedisServer;
    let app: RunningApp;
    beforeAll(async () => {
      redis = await RedisServer.start(binary);
      app = await RunningApp.start(platform, {
        imports: [
          BullModule.forRoot({ connection: { host: redis.host, port: redis.port } }),
          BullModule.registerQueue({ name: 'mail' }),
        ],
        providers: [MailProcessor],
      });
    }, 30_000);
    afterAll(async () => {
      await app.stop();
      await redis.stop();
    }, 30_000);

    it('leaves the data of a job as it was added', async () => {
      await app.app.get<Queue>(getQueueToken('mail')).add('welcome', { to: 'ada' });
      await eventually('the job', () => processed.length > 0);
      expect(processed).toEqual([{ to: 'ada' }]);
    });
  });
}
