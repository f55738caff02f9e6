/** Attributes in NestJS's own words, for which OpenTelemetry has no convention. */

/** The class of the handler. */
export const ATTR_NESTJS_CONTROLLER = 'nestjs.controller';
/** The method of the handler. */
export const ATTR_NESTJS_HANDLER = 'nestjs.handler';
/** `http`, `rpc` or `ws`: the context a handler is called in. */
export const ATTR_NESTJS_TYPE = 'nestjs.type';
/** Name of the module that provides the class. */
export const ATTR_NESTJS_MODULE = 'nestjs.module';
/** The class of an enhancer or a provider. */
export const ATTR_NESTJS_CLASS = 'nestjs.class';
/** Where in the pipeline: `guard`, `interceptor.before`, `interceptor.after`, `pipe`, `handler` or `filter`. */
export const ATTR_NESTJS_STAGE = 'nestjs.stage';
/** On the span of a request: the stage that threw or refused. */
export const ATTR_NESTJS_FAILURE_STAGE = 'nestjs.failure.stage';
/** On the span of a request: the class that threw or refused. */
export const ATTR_NESTJS_FAILURE_CLASS = 'nestjs.failure.class';
/** Milliseconds that building request-scoped instances took. */
export const ATTR_NESTJS_REQUEST_SCOPE_DURATION_MS = 'nestjs.request_scope.duration_ms';
/** How many instances were built for the request. */
export const ATTR_NESTJS_REQUEST_SCOPE_PROVIDERS = 'nestjs.request_scope.providers';
/** How many calls a span stands for. */
export const ATTR_NESTJS_REPEAT_COUNT = 'nestjs.repeat.count';
/** Milliseconds that these calls took together. */
export const ATTR_NESTJS_REPEAT_DURATION_MS = 'nestjs.repeat.duration_ms';
/** Milliseconds that the slowest of them took. */
export const ATTR_NESTJS_REPEAT_MAX_MS = 'nestjs.repeat.max_ms';
/** How many of them failed. */
export const ATTR_NESTJS_REPEAT_ERRORS = 'nestjs.repeat.errors';
/** Why a call beyond the first ones has a span of its own: `slowest` or `failed`. */
export const ATTR_NESTJS_REPEAT_KEPT = 'nestjs.repeat.kept';
