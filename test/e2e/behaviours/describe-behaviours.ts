import { describeDecorators } from './decorators.behaviours.js';
import { describeHttpServer } from './http-server.behaviours.js';
import { describeLifecycle } from './lifecycle.behaviours.js';
import { describeLogging } from './logging.behaviours.js';
import { describeLongResponses } from './long-responses.behaviours.js';
import { describeMetrics } from './metrics.behaviours.js';
import { describeModule } from './module.behaviours.js';
import { describeOutgoingRequests } from './outgoing-requests.behaviours.js';
import { type Platform, platformName } from './platform.js';
import { describeSpansBelow } from './spans-below.behaviours.js';

/** Registers every behaviour that must hold on each platform. */
export function describeBehaviours(platform: Platform): void {
  describe(platformName(platform), () => {
    describeHttpServer(platform);
    describeSpansBelow(platform);
    describeLongResponses(platform);
    describeDecorators(platform);
    describeLogging(platform);
    describeMetrics(platform);
    describeOutgoingRequests(platform);
    describeModule(platform);
    describeLifecycle(platform);
  });
}
