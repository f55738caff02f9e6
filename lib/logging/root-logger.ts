import { type Context } from '@opentelemetry/api';
import { type Logger, type LoggerOptions, pino } from 'pino';

import { type LoggingConfig } from '../config/logging.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { createBaggageReader, type ReadBaggage } from '../engine/baggage-fields.js';
import { serializeError } from '../engine/describe-error.js';
import { createMergeStrategy, createMixin, named } from './correlate-logger.js';
import { openDestination } from './destinations.js';
import { otelContextOf, readProcessFields } from './log-entry.js';
import { LogSink } from './log-sink.js';
import { bindingsOf, BindingsReader } from './logger-bindings.js';
import { loggingState, type RootLogger } from './logging-state.js';
import { nestWritesJson } from './nest-logger.js';
import type { LineFormat } from './pino-line.js';
import {
  guardLogMethod,
  redactFields,
  redactLines,
  redactSerializers,
  type WritePastPino,
} from './pino-safety.js';
import { createLogRecordEmitter } from './record-entry.js';
import { createPrettyFormatter, formatTextLine, usesColours } from './text-lines.js';

/** Under this key pino-http binds the whole request to each request's logger; it is not written. */
export const DISCARDED_REQUEST_KEY = 'nestjs-telemetry.request';

/**
 * The pino instance behind every line: it adds the service and the active span, redacts, and makes
 * destination, log records and span events of one line. `level` stays pino's number, which Loki,
 * Elasticsearch and Datadog expect; `logging.pino.formatters.level` changes that.
 *
 * @param emitLogRecords whether each line also goes to the registered LoggerProvider
 */
export function createRootLogger(config: TelemetryConfig, emitLogRecords: boolean): RootLogger {
  const { logging } = config;
  const own = logging.pino;
  const errorKey = own.errorKey ?? 'err';
  const message = own.messageKey ?? 'msg';
  const format = formatterOf(config);
  const destination = openDestination(logging);
  const sink = new LogSink({
    destination,
    format: () => (writesJson(logging) ? undefined : format),
    keys: { message, error: errorKey, nested: own.nestedKey },
    spanEvents: logging.spanEvents,
    emitLogRecord: emitLogRecords ? createLogRecordEmitter() : undefined,
    writesFieldsAsGiven: writesFieldsAsGiven(logging),
    writesFastLines: config.engine === 'fast' && writesFastLines(logging),
  });
  const readBaggage = createBaggageReader(config.propagation.baggageFields);
  const writeFast = (
    from: Logger,
    level: number,
    given: Readonly<Record<string, unknown>>,
    text: string,
    otelContext: Context,
  ): boolean => {
    const bound = bindings.read(from);
    if (bound === undefined) return false;
    const baggage = readBaggage?.(otelContext);
    const fields = baggage === undefined ? given : { ...named(baggage), ...given };
    return sink.writeFast(level, fields, text, bound, otelContext);
  };
  /** Fields of a line that pino has to write, and that comes back through its hook. */
  let refused: object | undefined;
  const writePastPino: WritePastPino = (from, given, level) => {
    const isRefused = refused !== undefined && given[0] === refused;
    refused = undefined;
    if (isRefused || !sink.writesFastLines) return false;
    const line = readUsualLine(given);
    return (
      line !== undefined && writeFast(from, level, line.fields, line.message, otelContextOf(line.fields))
    );
  };
  const logger: Logger = pino(pinoOptions(config, errorKey, { readBaggage, writePastPino }), sink);
  redactLines(logger, { message, error: errorKey });
  sink.rootBindings = bindingsOf(logger);
  const bindings = new BindingsReader(logger);
  loggingState().ours.add(logger);
  const quietly = (act: () => void) => () => {
    try {
      act();
    } catch {
      // A destination that is gone has nothing left to flush or close.
    }
  };
  return {
    logger,
    config: logging,
    writeFast: (from, level, fields, text, otelContext = otelContextOf(undefined)) => {
      if (writeFast(from, level, fields, text, otelContext)) return true;
      refused = fields;
      return false;
    },
    writesToStdout:
      own.transport === undefined &&
      (logging.destination === undefined || logging.destination === process.stdout),
    withoutOutput: (write) => {
      sink.withoutOutput(write);
    },
    flush: quietly(destination.flush),
    close: quietly(destination.close),
  };
}

/**
 * A transport (pino-pretty, a file) reads JSON. Beside NestJS's console logger that writes JSON, a
 * line of text would break the collector that reads the output.
 */
function writesJson({ format, formatIsChosen, pino: own }: LoggingConfig): boolean {
  return format === 'json' || own.transport !== undefined || (!formatIsChosen && nestWritesJson());
}

function formatterOf({ logging, serviceName }: TelemetryConfig): LineFormat {
  if (logging.format === 'text') return formatTextLine;
  const colours = usesColours(process.env, process.stdout.isTTY);
  return logging.format === 'pretty' ? createPrettyFormatter({ serviceName, colours }) : undefined;
}

/** Options of pino that change nothing of a line of texts, numbers and booleans. */
const WITHOUT_EFFECT = new Set(['level', 'enabled', 'transport', 'safe', 'depthLimit', 'edgeLimit']);

function writesFastLines({ redact, format, pino: own }: LoggingConfig): boolean {
  return format === 'json' && redact.length === 0 && Object.keys(own).every((key) => WITHOUT_EFFECT.has(key));
}

/** Whether no option of the application changes what pino makes of the fields of a line. */
function writesFieldsAsGiven({ redact, pino: own }: LoggingConfig): boolean {
  if (redact.length > 0 || own.hooks !== undefined) return false;
  const keys = ['base', 'formatters', 'serializers', 'messageKey', 'nestedKey', 'timestamp', 'redact'];
  return keys.every((key) => !(key in own));
}

function pinoOptions(
  { logging, serviceName }: TelemetryConfig,
  errorKey: string,
  {
    readBaggage,
    writePastPino,
  }: { readonly readBaggage: ReadBaggage | undefined; readonly writePastPino: WritePastPino },
): LoggerOptions {
  const own = logging.pino;
  const serializers = {
    err: serializeError,
    [errorKey]: serializeError,
    ...redactSerializers(own.serializers ?? {}),
    [DISCARDED_REQUEST_KEY]: () => undefined,
  };
  const options: LoggerOptions = {
    ...own,
    level: logging.level,
    ...(logging.redact.length > 0 && { redact: [...logging.redact] }),
    base: redactFields({ ...readProcessFields({ serviceName }), ...own.base }),
    mixin: createMixin(own.mixin, { readBaggage }),
    mixinMergeStrategy: createMergeStrategy(own.mixinMergeStrategy, new Set(Object.keys(serializers))),
    hooks: { ...own.hooks, logMethod: guardLogMethod(own.hooks?.logMethod, errorKey, writePastPino) },
    serializers,
  };
  // It is our destination; pino would write to it without the sink.
  delete options.transport;
  return options;
}

interface UsualLine {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

const NO_FIELDS = Object.freeze({});

/** What a log method of pino was given: a message, or fields and a message. Undefined for anything else. */
function readUsualLine(given: readonly unknown[]): UsualLine | undefined {
  const [first, second] = given;
  if (given.length === 1)
    return typeof first === 'string' ? { fields: NO_FIELDS, message: first } : undefined;
  if (given.length !== 2 || typeof second !== 'string' || !isPlainObject(first)) return undefined;
  return { fields: first, message: second };
}

/** Without inherited fields, which pino leaves out, and no error or request, of which it makes others. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return (value as { readonly headers?: unknown }).headers === undefined;
}
