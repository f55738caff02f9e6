import { ROOT_CONTEXT } from '@opentelemetry/api';

import { recordJobWait } from '../../lib/metrics/queue-metrics.js';
import { type CollectingSdk, startCollectingSdk } from './collecting-sdk.js';

describe('recordJobWait()', () => {
  let sdk: CollectingSdk;

  beforeEach(() => {
    sdk = startCollectingSdk();
  });

  afterEach(async () => {
    await sdk.stop();
  });

  it('does not mix up queues and jobs whose names contain spaces', async () => {
    recordJobWait({ queue: 'mail', context: ROOT_CONTEXT }, 'send welcome', 1);
    recordJobWait({ queue: 'mail send', context: ROOT_CONTEXT }, 'welcome', 2);

    const points = await sdk.points('bullmq.job.wait.duration');
    expect(points.map(({ attributes }) => attributes)).toEqual([
      {
        'messaging.system.name': 'bullmq',
        'messaging.destination.name': 'mail',
        'bullmq.job.name': 'send welcome',
      },
      {
        'messaging.system.name': 'bullmq',
        'messaging.destination.name': 'mail send',
        'bullmq.job.name': 'welcome',
      },
    ]);
  });
});
