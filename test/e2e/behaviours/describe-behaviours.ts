import { describeAfterTheAnswer } from './after-the-answer.behaviours.js';
import { describeAnnotations } from './annotations.behaviours.js';
import { describeBaggageFields } from './baggage-fields.behaviours.js';
import { describeDashboard } from './dashboard/describe-dashboard.js';
import { describeDecorators } from './decorators.behaviours.js';
import { describeExceptions } from './exceptions.behaviours.js';
import { describeHttpBodies } from './http-bodies.behaviours.js';
import { describeHttpConnections } from './http-connections.behaviours.js';
import { describeHttpHooks } from './http-hooks.behaviours.js';
import { describeHttpIgnore } from './http-ignore.behaviours.js';
import { describeHttpRoutes } from './http-routes.behaviours.js';
import { describeHttpServer } from './http-server.behaviours.js';
import { describeHttpUpgrades } from './http-upgrades.behaviours.js';
import { describeHttp2OverTls } from './http2-tls.behaviours.js';
import { describeLifecycle } from './lifecycle.behaviours.js';
import { describeFastifyLogger, describeLogging } from './logging.behaviours.js';
import { describeLongResponses } from './long-responses.behaviours.js';
import { describeMetrics } from './metrics.behaviours.js';
import { describeModule } from './module.behaviours.js';
import { describeNestPipeline } from './nest-pipeline.behaviours.js';
import { describeOutgoingRequests } from './outgoing-requests.behaviours.js';
import { describePinoLogger } from './pino-logger.behaviours.js';
import { type Platform, platformName } from './platform.js';
import { describeProviders } from './providers.behaviours.js';
import { describeRedaction } from './redaction.behaviours.js';
import { describeSampling } from './sampling.behaviours.js';
import { describeScopedEnhancers } from './scoped-enhancers.behaviours.js';
import { describeSpansBelow } from './spans-below.behaviours.js';
import { describeTraceInAnswers } from './trace-in-answers.behaviours.js';

/** Registers every behaviour that must hold on each platform. */
export function describeBehaviours(platform: Platform): void {
  describe(platformName(platform), () => {
    describeHttpServer(platform);
    describeHttpRoutes(platform);
    describeHttpConnections(platform);
    describeHttp2OverTls(platform);
    describeHttpBodies(platform);
    describeHttpUpgrades(platform);
    describeHttpIgnore(platform);
    describeHttpHooks(platform);
    describeTraceInAnswers(platform);
    describeSpansBelow(platform);
    describeExceptions(platform);
    describeNestPipeline(platform);
    describeScopedEnhancers(platform);
    describeProviders(platform);
    describeLongResponses(platform);
    describeAfterTheAnswer(platform);
    describeAnnotations(platform);
    describeBaggageFields(platform);
    describeDecorators(platform);
    describeLogging(platform);
    if (platform.adapter === 'fastify') describeFastifyLogger(platform);
    describePinoLogger(platform);
    describeMetrics(platform);
    describeOutgoingRequests(platform);
    describeRedaction(platform);
    describeLifecycle(platform);
    // Last of those that read lines of NestJS's logger: @nestjs/testing leaves its silent logger in the process.
    describeModule(platform);
    describeSampling(platform);
    describeDashboard(platform);
  });
}
