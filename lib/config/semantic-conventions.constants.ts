/**
 * The one place that knows OpenTelemetry's semantic-convention names (1.45).
 *
 * Stable names come from the package. Names still in development are written out: importing them from its
 * `/incubating` entry would load several hundred kilobytes, and they may disappear in a minor release.
 */
export {
  ATTR_CLIENT_ADDRESS,
  ATTR_CODE_FUNCTION_NAME,
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_BATCH_SIZE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_RPC_METHOD,
  ATTR_RPC_METHOD_ORIGINAL,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
  METRIC_DB_CLIENT_OPERATION_DURATION,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
  METRIC_RPC_CLIENT_CALL_DURATION,
  METRIC_RPC_SERVER_CALL_DURATION,
} from '@opentelemetry/semantic-conventions';

export const METRIC_HTTP_SERVER_ACTIVE_REQUESTS = 'http.server.active_requests';
export const METRIC_HTTP_SERVER_REQUEST_BODY_SIZE = 'http.server.request.body.size';
export const METRIC_HTTP_SERVER_RESPONSE_BODY_SIZE = 'http.server.response.body.size';

/** Bucket boundaries, in bytes, for bodies: the conventions advise none, and the default ones end at 10 kB. */
export const BODY_SIZE_BUCKETS_BYTES = [
  0, 128, 512, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

/** Bucket boundaries, in seconds, that the conventions advise for durations of requests and calls. */
export const DURATION_BUCKETS_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Bucket boundaries, in seconds, that the conventions advise for calls of databases. */
export const DATABASE_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

export const METRIC_DB_CLIENT_CONNECTION_WAIT_TIME = 'db.client.connection.wait_time';
export const ATTR_DB_CLIENT_CONNECTION_POOL_NAME = 'db.client.connection.pool.name';
/** Seconds since the transaction began; on the span that ends it. */
export const ATTR_NESTJS_DB_TRANSACTION_DURATION = 'nestjs.db.transaction.duration';
/** Statements between the first and the last of a transaction; on the span that ends it. */
export const ATTR_NESTJS_DB_TRANSACTION_STATEMENTS = 'nestjs.db.transaction.statements';
/** Name of a prepared statement. */
export const ATTR_NESTJS_DB_PREPARED_STATEMENT = 'nestjs.db.prepared_statement';

export const ATTR_GEN_AI_OPERATION_NAME = 'gen_ai.operation.name';
export const ATTR_GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name';
export const ATTR_GEN_AI_REQUEST_MODEL = 'gen_ai.request.model';
export const ATTR_GEN_AI_REQUEST_CHOICE_COUNT = 'gen_ai.request.choice.count';
export const ATTR_GEN_AI_REQUEST_ENCODING_FORMATS = 'gen_ai.request.encoding_formats';
export const ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY = 'gen_ai.request.frequency_penalty';
export const ATTR_GEN_AI_REQUEST_MAX_TOKENS = 'gen_ai.request.max_tokens';
export const ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY = 'gen_ai.request.presence_penalty';
export const ATTR_GEN_AI_REQUEST_SEED = 'gen_ai.request.seed';
export const ATTR_GEN_AI_REQUEST_STOP_SEQUENCES = 'gen_ai.request.stop_sequences';
export const ATTR_GEN_AI_REQUEST_STREAM = 'gen_ai.request.stream';
export const ATTR_GEN_AI_REQUEST_TEMPERATURE = 'gen_ai.request.temperature';
export const ATTR_GEN_AI_REQUEST_TOP_P = 'gen_ai.request.top_p';
export const ATTR_GEN_AI_EMBEDDINGS_DIMENSION_COUNT = 'gen_ai.embeddings.dimension.count';
export const ATTR_GEN_AI_RESPONSE_ID = 'gen_ai.response.id';
export const ATTR_GEN_AI_RESPONSE_MODEL = 'gen_ai.response.model';
export const ATTR_GEN_AI_RESPONSE_FINISH_REASONS = 'gen_ai.response.finish_reasons';
export const ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk';
export const ATTR_GEN_AI_TOKEN_TYPE = 'gen_ai.token.type';
export const ATTR_GEN_AI_USAGE_INPUT_TOKENS = 'gen_ai.usage.input_tokens';
export const ATTR_GEN_AI_USAGE_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens';
export const ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens';
export const ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens';
/** Prompts and answers, as JSON; recorded only with `captureContent`. */
export const ATTR_GEN_AI_INPUT_MESSAGES = 'gen_ai.input.messages';
export const ATTR_GEN_AI_OUTPUT_MESSAGES = 'gen_ai.output.messages';
export const ATTR_GEN_AI_SYSTEM_INSTRUCTIONS = 'gen_ai.system_instructions';
export const ATTR_OPENAI_API_TYPE = 'openai.api.type';
export const ATTR_OPENAI_RESPONSE_SERVICE_TIER = 'openai.response.service_tier';
export const METRIC_GEN_AI_CLIENT_OPERATION_DURATION = 'gen_ai.client.operation.duration';
export const METRIC_GEN_AI_CLIENT_TOKEN_USAGE = 'gen_ai.client.token.usage';
/** Bucket boundaries that the conventions advise: seconds, and tokens. */
export const GEN_AI_DURATION_BUCKETS_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
export const GEN_AI_TOKEN_BUCKETS = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

/** By statistic: `nodejs.eventloop.delay.p99`. */
export const metricOfEventLoopDelay = (statistic: string): string => `nodejs.eventloop.delay.${statistic}`;
export const METRIC_NODEJS_EVENTLOOP_TIME = 'nodejs.eventloop.time';
export const METRIC_NODEJS_EVENTLOOP_UTILIZATION = 'nodejs.eventloop.utilization';
export const ATTR_NODEJS_EVENTLOOP_STATE = 'nodejs.eventloop.state';

export const METRIC_V8JS_GC_DURATION = 'v8js.gc.duration';
/** By size: `v8js.memory.heap.space.available_size`. */
export const metricOfHeap = (size: string): string => `v8js.memory.heap.${size}`;
export const METRIC_V8JS_RESOURCE_ACTIVE = 'v8js.resource.active';
export const ATTR_V8JS_GC_TYPE = 'v8js.gc.type';
export const ATTR_V8JS_HEAP_SPACE_NAME = 'v8js.heap.space.name';
export const ATTR_V8JS_RESOURCE_TYPE = 'v8js.resource.type';

export const METRIC_PROCESS_CPU_TIME = 'process.cpu.time';
export const METRIC_PROCESS_CPU_UTILIZATION = 'process.cpu.utilization';
export const METRIC_PROCESS_MEMORY_USAGE = 'process.memory.usage';
export const METRIC_PROCESS_UPTIME = 'process.uptime';

export const METRIC_SYSTEM_CPU_UTILIZATION = 'system.cpu.utilization';
export const METRIC_SYSTEM_MEMORY_USAGE = 'system.memory.usage';
export const METRIC_SYSTEM_MEMORY_UTILIZATION = 'system.memory.utilization';
/** Of the OpenTelemetry Collector's host metrics; the conventions have no name for it. */
export const METRIC_SYSTEM_CPU_LOAD_AVERAGE_1M = 'system.cpu.load_average.1m';
export const ATTR_CPU_MODE = 'cpu.mode';
export const ATTR_SYSTEM_MEMORY_STATE = 'system.memory.state';

/** WebSocket gateways; the conventions have no names for them. */
export const METRIC_NESTJS_WEBSOCKET_MESSAGE_DURATION = 'nestjs.websocket.message.duration';
export const METRIC_NESTJS_WEBSOCKET_ACTIVE_CONNECTIONS = 'nestjs.websocket.active_connections';
/** Class of the gateway. */
export const ATTR_NESTJS_WEBSOCKET_GATEWAY = 'nestjs.websocket.gateway';
/** The event or message that the gateway handles: the argument of `@SubscribeMessage()`. */
export const ATTR_NESTJS_WEBSOCKET_EVENT = 'nestjs.websocket.event';
/** Namespace or path of the gateway, where it has one. */
export const ATTR_NESTJS_WEBSOCKET_NAMESPACE = 'nestjs.websocket.namespace';

/** Bucket boundaries, in seconds, for what runs in the background: from milliseconds to an hour. */
export const JOB_BUCKETS_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
];
export const ATTR_FAAS_CRON = 'faas.cron';

/** `@nestjs/schedule`; the conventions have no names for these. */
export const METRIC_NESTJS_SCHEDULE_RUN_DURATION = 'nestjs.schedule.run.duration';
/** `cron`, `interval` or `timeout`. */
export const ATTR_NESTJS_SCHEDULE_TYPE = 'nestjs.schedule.type';
/** The name that the application gave the job. */
export const ATTR_NESTJS_SCHEDULE_NAME = 'nestjs.schedule.name';
/** The time zone of a cron job. */
export const ATTR_NESTJS_SCHEDULE_TIME_ZONE = 'nestjs.schedule.time_zone';
/** Milliseconds of an interval or timeout. */
export const ATTR_NESTJS_SCHEDULE_MILLISECONDS = 'nestjs.schedule.milliseconds';
/** `true` where the run before had not ended. */
export const ATTR_NESTJS_SCHEDULE_OVERLAPPING = 'nestjs.schedule.overlapping';

/** Class of the command that is handled. */
export const ATTR_NESTJS_CQRS_COMMAND = 'nestjs.cqrs.command';
/** Class of the query that is handled. */
export const ATTR_NESTJS_CQRS_QUERY = 'nestjs.cqrs.query';
/** Class of the event that is handled or published; several are separated by commas. */
export const ATTR_NESTJS_CQRS_EVENT = 'nestjs.cqrs.event';
/** The number of events that one call published. */
export const ATTR_NESTJS_CQRS_EVENT_COUNT = 'nestjs.cqrs.event.count';
/** The saga that asked for a command. */
export const ATTR_NESTJS_CQRS_SAGA = 'nestjs.cqrs.saga';

/** BullMQ; the conventions have no names for what only it has. */
export const METRIC_BULLMQ_JOB_WAIT_DURATION = 'bullmq.job.wait.duration';
export const METRIC_BULLMQ_JOBS_STALLED = 'bullmq.jobs.stalled';
/** Name of the job, as it was added. */
export const ATTR_BULLMQ_JOB_NAME = 'bullmq.job.name';
/** Which attempt it is, from 1. */
export const ATTR_BULLMQ_JOB_ATTEMPT = 'bullmq.job.attempt';
/** The job scheduler or repeatable job that made it. */
export const ATTR_BULLMQ_JOB_SCHEDULER_ID = 'bullmq.job.scheduler.id';

/** Until 1.44 it was `messaging.system`. */
export const ATTR_MESSAGING_SYSTEM = 'messaging.system.name';
export const ATTR_MESSAGING_DESTINATION_NAME = 'messaging.destination.name';
export const ATTR_MESSAGING_OPERATION_NAME = 'messaging.operation.name';
export const ATTR_MESSAGING_OPERATION_TYPE = 'messaging.operation.type';
export const ATTR_MESSAGING_MESSAGE_ID = 'messaging.message.id';
export const ATTR_MESSAGING_BATCH_MESSAGE_COUNT = 'messaging.batch.message_count';
export const METRIC_MESSAGING_PROCESS_DURATION = 'messaging.process.duration';
export const METRIC_MESSAGING_CLIENT_OPERATION_DURATION = 'messaging.client.operation.duration';
export const METRIC_MESSAGING_CLIENT_SENT_MESSAGES = 'messaging.client.sent.messages';

/** Transport of NestJS's microservices: `tcp`, `redis`, `nats`, … */
export const ATTR_NESTJS_TRANSPORT = 'nestjs.transport';

export const ATTR_GRAPHQL_DOCUMENT = 'graphql.document';
export const ATTR_GRAPHQL_OPERATION_NAME = 'graphql.operation.name';
export const ATTR_GRAPHQL_OPERATION_TYPE = 'graphql.operation.type';
/** GraphQL; the conventions have no names for these. */
export const METRIC_NESTJS_GRAPHQL_OPERATION_DURATION = 'nestjs.graphql.operation.duration';
export const METRIC_NESTJS_GRAPHQL_EVENT_DURATION = 'nestjs.graphql.event.duration';
/** The field that a resolver answers: `Query.users`. */
export const ATTR_NESTJS_GRAPHQL_FIELD = 'nestjs.graphql.field';
/** Errors of the answer; on the span of the operation. */
export const ATTR_NESTJS_GRAPHQL_ERROR_COUNT = 'nestjs.graphql.error.count';

export const METRIC_OTEL_SDK_SPAN_STARTED = 'otel.sdk.span.started';
export const METRIC_OTEL_SDK_SPAN_LIVE = 'otel.sdk.span.live';
export const METRIC_OTEL_SDK_LOG_CREATED = 'otel.sdk.log.created';
export const METRIC_OTEL_SDK_EXPORTER_OPERATION_DURATION = 'otel.sdk.exporter.operation.duration';
export const ATTR_OTEL_COMPONENT_NAME = 'otel.component.name';
export const ATTR_OTEL_COMPONENT_TYPE = 'otel.component.type';
export const ATTR_OTEL_SPAN_PARENT_ORIGIN = 'otel.span.parent.origin';
export const ATTR_OTEL_SPAN_SAMPLING_RESULT = 'otel.span.sampling_result';
/** Metrics of exporters and processors, by signal: `otel.sdk.exporter.span.exported`. */
export const metricOfSdkExporter = (item: string, what: 'exported' | 'inflight'): string =>
  `otel.sdk.exporter.${item}.${what}`;
export const metricOfSdkProcessor = (
  item: string,
  what: 'processed' | 'queue.size' | 'queue.capacity',
): string => `otel.sdk.processor.${item}.${what}`;
/** The embedded store; the conventions have no names for it. */
export const METRIC_STORE_DROPPED = 'nestjs_telemetry.store.dropped';
export const METRIC_STORE_QUEUE_SIZE = 'nestjs_telemetry.store.queue.size';

/** Attributes of the resource that the package has only under `/incubating`. */
export const ATTR_DEPLOYMENT_ENVIRONMENT_NAME = 'deployment.environment.name';
/** Its name before 2024; many platforms still set it. */
export const ATTR_FORMER_DEPLOYMENT_ENVIRONMENT = 'deployment.environment';
export const ATTR_SERVICE_INSTANCE_ID = 'service.instance.id';
export const ATTR_CONTAINER_ID = 'container.id';
export const ATTR_K8S_CONTAINER_NAME = 'k8s.container.name';
export const ATTR_K8S_NAMESPACE_NAME = 'k8s.namespace.name';
export const ATTR_K8S_NODE_NAME = 'k8s.node.name';
export const ATTR_K8S_POD_NAME = 'k8s.pod.name';
export const ATTR_K8S_POD_UID = 'k8s.pod.uid';

export const ATTR_HOST_NAME = 'host.name';
export const ATTR_HOST_ARCH = 'host.arch';
export const ATTR_OS_TYPE = 'os.type';
export const ATTR_PROCESS_PID = 'process.pid';
export const ATTR_PROCESS_RUNTIME_NAME = 'process.runtime.name';
export const ATTR_PROCESS_RUNTIME_VERSION = 'process.runtime.version';

export const ATTR_USER_ID = 'user.id';
export const ATTR_USER_HASH = 'user.hash';
/** Older names of the two, which other SDKs still write. */
export const ATTR_ENDUSER_ID = 'enduser.id';
export const ATTR_ENDUSER_PSEUDO_ID = 'enduser.pseudo.id';

/** Severity of a log line, on the event `log` of its span. */
export const ATTR_LOG_SEVERITY = 'log.severity';
/** Message of a log line, on the event `log` of its span. */
export const ATTR_LOG_MESSAGE = 'log.message';
/** The class that wrote a log line, on the event `log` of its span. */
export const ATTR_LOG_CONTEXT = 'log.context';

/** Groups the exceptions of one problem: on the event that records it, and on every span it passed. */
export const ATTR_EXCEPTION_FINGERPRINT = 'exception.fingerprint';

/** Class of the controller. */
export const ATTR_NESTJS_CONTROLLER = 'nestjs.controller';
/** Method of the controller. */
export const ATTR_NESTJS_HANDLER = 'nestjs.handler';
/** What called the code: `http`, `rpc`, `ws`, `event`, `job`, `schedule`, `command` or `query`. */
export const ATTR_NESTJS_TYPE = 'nestjs.type';
/** The events that a listener listens to, separated by commas. */
export const ATTR_NESTJS_EVENT_NAME = 'nestjs.event.name';
/** The module that the class belongs to. */
export const ATTR_NESTJS_MODULE = 'nestjs.module';
/** Class of the guard, pipe, interceptor, filter or provider. */
export const ATTR_NESTJS_CLASS = 'nestjs.class';
/** Where in the pipeline: `guard`, `interceptor.before`, `interceptor.after`, `pipe`, `handler` or `filter`. */
export const ATTR_NESTJS_STAGE = 'nestjs.stage';
/** On the span of a request: the stage that threw or refused. */
export const ATTR_NESTJS_FAILURE_STAGE = 'nestjs.failure.stage';
/** On the span of a request: the class that threw or refused. */
export const ATTR_NESTJS_FAILURE_CLASS = 'nestjs.failure.class';
/** Milliseconds in which the request-scoped instances of a request were built. */
export const ATTR_NESTJS_REQUEST_SCOPE_DURATION_MS = 'nestjs.request_scope.duration_ms';
/** The number of request-scoped instances of a request. */
export const ATTR_NESTJS_REQUEST_SCOPE_PROVIDERS = 'nestjs.request_scope.providers';
/** The number of calls that one span represents. */
export const ATTR_NESTJS_REPEAT_COUNT = 'nestjs.repeat.count';
/** Milliseconds of these calls together. */
export const ATTR_NESTJS_REPEAT_DURATION_MS = 'nestjs.repeat.duration_ms';
/** Milliseconds of the slowest of these calls. */
export const ATTR_NESTJS_REPEAT_MAX_MS = 'nestjs.repeat.max_ms';
/** How many of these calls failed. */
export const ATTR_NESTJS_REPEAT_ERRORS = 'nestjs.repeat.errors';
/** Why a call beyond the first ones has a separate span: `slowest` or `failed`. */
export const ATTR_NESTJS_REPEAT_KEPT = 'nestjs.repeat.kept';
