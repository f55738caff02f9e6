import { context as contextApi, ROOT_CONTEXT } from '@opentelemetry/api';

import { type TelemetryLogLevel } from '../config/logging.js';
import { providerNames, recordProvider } from '../instrumentation/nest/providers/record-providers.js';
import { CONTROL_CONTEXT, OVERRIDE_LEVELS, overrideLevel } from '../logging/level-overrides.js';
import { writeOwnLine } from '../logging/own-lines.js';
import { TelemetryLogger } from '../logging/telemetry-logger.js';
import { type Undo } from '../process/undo-all.js';
import { currentRuntime, type SdkRuntime } from '../runtime/sdk-runtime.js';
import {
  type ChangeListener,
  type ChangeRequest,
  type Lever,
  refuseChange,
  type TemporaryChange,
} from '../runtime/temporary-changes.js';

/** Options of a change at run time. */
export interface ChangeOptions {
  /** When the change ends by itself, in minutes, above 0 and at most 1,440. Default 15. */
  readonly minutes?: number;
  /** Who makes the change, for its log lines. Default `the application`. */
  readonly by?: string;
}

/**
 * Changes telemetry of this process for a time, without a restart: `TelemetryService.control`. Each
 * change writes a log line, ends by itself, and ends when telemetry stops. One of the same kind and
 * target replaces the former. Methods that change something throw a `TelemetryError`
 * `TELEMETRY_CHANGE_REFUSED` where that is not possible.
 */
export interface TelemetryControl {
  /** Sets the log level of all lines whose `context` is `context`; of all lines without one. */
  setLogLevel(
    level: TelemetryLogLevel,
    options?: ChangeOptions & { readonly context?: string },
  ): TemporaryChange;
  /**
   * Samples this share of the traces that begin here, 0 to 1. Rules of `sampling.rules` keep their
   * ratios. Refused where a sampler of the application or another OpenTelemetry SDK decides.
   */
  setSamplingRatio(ratio: number, options?: ChangeOptions): TemporaryChange;
  /** Records a span for each call of a method of a provider, by the name of its class. */
  recordProvider(className: string, options?: ChangeOptions): TemporaryChange;
  /** Ends a change now; false where no active change has this id. */
  cancel(id: string, by?: string): boolean;
  /** The active changes; the first to end comes first. */
  list(): readonly TemporaryChange[];
}

/** Lets the telemetry of this process be changed while it runs; returns the end of that. */
export function startRunTimeControl({ changes, samplingRatio, config }: SdkRuntime): Undo {
  const changeRatio: Lever = (target, value) => {
    if (target !== undefined) throw refuseChange('The sampling ratio has no target: it is of the process.');
    if (typeof value !== 'number' || !(value >= 0 && value <= 1))
      throw refuseChange('The sampling ratio must be a number from 0 to 1.');
    if (samplingRatio === undefined)
      throw refuseChange(
        'Traces are sampled by a sampler of the application or by another OpenTelemetry SDK.',
      );
    return samplingRatio.change(value);
  };
  const recordClass: Lever = (target) => {
    if (target === undefined) throw refuseChange('The class of a provider must be named.');
    if (config.instrumentation.nest === undefined)
      throw refuseChange('instrumentation.nest is off in this process.');
    const undo = recordProvider(target);
    if (undo === undefined) throw refuseChange(`No application of this process provides a class ${target}.`);
    return undo;
  };
  changes.connect(
    { 'log-level': changeLevel, 'sampling-ratio': changeRatio, 'provider-spans': recordClass },
    writeAuditLine,
    providerNames,
  );
  return () => {
    changes.close();
  };
}

const changeLevel: Lever = (target, value) => {
  if (typeof value !== 'string' || !OVERRIDE_LEVELS.includes(value))
    throw refuseChange(`The log level must be one of ${OVERRIDE_LEVELS.join(', ')}.`);
  if (target === CONTROL_CONTEXT)
    throw refuseChange('The lines of this context report changes: their level stays.');
  const undo = overrideLevel(target, value);
  if (undo === undefined) throw refuseChange('Logging is off in this process.');
  return undo;
};

/**
 * Logs a change as a warning, outside of any context: lines of a request of the dashboard would
 * not be stored or exported.
 */
const writeAuditLine: ChangeListener = (event, change, by) => {
  const { id, kind, target, value, endsAt } = change;
  const until = new Date(endsAt).toISOString();
  const message = {
    begins: `${describe(change)} until ${until}, changed by ${by}`,
    'ends by itself': `The change "${describe(change)}" by ${by} has ended by itself`,
    'is cancelled': `The change "${describe(change)}" was cancelled by ${by}`,
    'ends with telemetry': `The change "${describe(change)}" by ${by} has ended, because telemetry stops`,
  }[event];
  const fields = { change_id: id, change: kind, event, target, value, by, until };
  contextApi.with(ROOT_CONTEXT, () => {
    writeOwnLine('warn', () => {
      new TelemetryLogger(CONTROL_CONTEXT).logWarning(message, fields);
    });
  });
};

function describe({ kind, target, value }: TemporaryChange): string {
  switch (kind) {
    case 'log-level':
      return `Log level ${value ?? ''} for ${target ?? 'all contexts'}`;
    case 'sampling-ratio':
      return `Sampling ratio ${value ?? ''}`;
    case 'provider-spans':
      return `Spans of the provider ${target ?? ''}`;
  }
}

function begin(request: Omit<ChangeRequest, 'by' | 'minutes'>, options: ChangeOptions = {}): TemporaryChange {
  const { minutes, by = 'the application' } = options;
  const changes = currentRuntime()?.changes;
  if (changes === undefined) throw refuseChange('Telemetry does not run in this process.');
  return changes.begin({ ...request, minutes, by });
}

/** The control of the telemetry of this process, whichever that is at the time of a call. */
export const telemetryControl: TelemetryControl = Object.freeze({
  setLogLevel: (level, options) =>
    begin({ kind: 'log-level', target: options?.context, value: level }, options),
  setSamplingRatio: (ratio, options) => begin({ kind: 'sampling-ratio', value: ratio }, options),
  recordProvider: (className, options) => begin({ kind: 'provider-spans', target: className }, options),
  cancel: (id, by = 'the application') => currentRuntime()?.changes.cancel(id, by) ?? false,
  list: () => currentRuntime()?.changes.list() ?? [],
} satisfies TelemetryControl);
