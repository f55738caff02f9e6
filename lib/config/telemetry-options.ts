import { CONFIG_FILE_VARIABLES } from './config-file.js';
import { DASHBOARD_SECTION, type DashboardSection } from './dashboard.js';
import {
  decide,
  listOptions,
  option,
  type OptionDeclaration,
  type OptionsOf,
  type Resolved,
  type ValuesIn,
  variablesOf,
} from './declare-options.js';
import type { EnvironmentVariable } from './environment.js';
import { IDENTITY_SECTION, type IdentitySection, isTest } from './identity.js';
import {
  INSTRUMENTATION_SECTION,
  instrumentationRule,
  type InstrumentationSection,
  type InstrumentationSwitches,
} from './instrumentation.js';
import { JAEGER_SECTION, type JaegerSection } from './jaeger.js';
import { LIMIT_SECTION, LIMIT_VARIABLES, type LimitSection } from './limits.js';
import { LOGGING_SECTION, LOGGING_VARIABLES, type LoggingSection } from './logging.js';
import { METRIC_SECTION, METRIC_VARIABLES, type MetricSection } from './metrics.js';
import { flag, oneOf, type OptionRule, shape } from './option-rules.js';
import { OTLP_SECTION, type OtlpSection } from './otlp.js';
import { PROCESS_EVENTS_SECTION, type ProcessEventsSection } from './process-events.js';
import { PROPAGATION_SECTION, type PropagationSection } from './propagation.js';
import { REDACTION_SECTION, type RedactionSection } from './redaction.js';
import { SAMPLING_SECTION, type SamplingSection } from './sampling.js';
import { STORE_SECTION, type StoreSection } from './store.js';
import { TRACE_SECTION, type TraceSection } from './traces.js';

const ENGINES = ['fast', 'sdk'] as const;

/** The engine that records spans and log records: ours, or OpenTelemetry's SDK. */
export type TelemetryEngine = (typeof ENGINES)[number];

/** Options for everything. */
export interface GeneralSection {
  /** `false` makes the whole module a no-op; logs are still written. Default `true`. Env `OTEL_SDK_DISABLED`. */
  enabled?: boolean;
  /**
   * Engine that records spans and log records and encodes OTLP: `fast` is ours, `sdk` is OpenTelemetry's SDK. Both have the same
   * samplers, processors, limits and transports. Default `fast`.
   */
  engine?: TelemetryEngine;
  /**
   * Looks once, three seconds after the start, for what keeps telemetry from arriving, and logs at most one warning.
   *
   * An OTLP receiver that nothing was sent to by then gets an empty request.
   *
   * Default `true`; `false` in tests. Env `TELEMETRY_START_CHECK`.
   */
  startCheck?: boolean;
}

/**
 * Everything `TelemetryModule.forRoot()` and `configureTelemetry()` accept. Code wins over environment, environment over default.
 * Each part is declared in the file of its subject.
 */
export interface TelemetryOptions
  extends
    GeneralSection,
    IdentitySection,
    OtlpSection,
    JaegerSection,
    TraceSection,
    SamplingSection,
    PropagationSection,
    MetricSection,
    LoggingSection,
    InstrumentationSection,
    RedactionSection,
    DashboardSection,
    StoreSection,
    ProcessEventsSection,
    LimitSection {}

/** Implemented by a class that is passed to `TelemetryModule.forRootAsync({ useClass })` or `{ useExisting }`. */
export interface TelemetryOptionsFactory {
  /** Returns the options, or a promise of them; called once per module. */
  createTelemetryOptions(): TelemetryOptions | Promise<TelemetryOptions>;
}

const GENERAL_SECTION = {
  enabled: option(flag, {
    default: true,
    env: {
      OTEL_SDK_DISABLED: {
        kind: 'boolean',
        meaning: '`true` makes the whole module a no-op; logs are still written.',
        otherwise: '`false`',
        means: (isDisabled: boolean) => !isDisabled,
      },
    },
  }),
  engine: option(oneOf(ENGINES), { default: 'fast', see: 'performance.md' }),
  startCheck: option(flag, {
    see: 'doctor.md#at-the-start',
    env: {
      TELEMETRY_START_CHECK: {
        kind: 'boolean',
        meaning: '`false` leaves out the check after the start.',
        otherwise: '`true`',
      },
    },
  }),
} satisfies OptionsOf<GeneralSection>;

const SECTIONS = {
  ...GENERAL_SECTION,
  ...IDENTITY_SECTION,
  ...OTLP_SECTION,
  ...JAEGER_SECTION,
  ...TRACE_SECTION,
  ...SAMPLING_SECTION,
  ...PROPAGATION_SECTION,
  ...METRIC_SECTION,
  ...LOGGING_SECTION,
  ...INSTRUMENTATION_SECTION,
  ...REDACTION_SECTION,
  ...DASHBOARD_SECTION,
  ...STORE_SECTION,
  ...PROCESS_EVENTS_SECTION,
  ...LIMIT_SECTION,
} satisfies OptionsOf<TelemetryOptions>;

type Declarations = Readonly<Record<keyof TelemetryOptions, OptionDeclaration>>;

/** The declarations of all options; which instrumentations can be switched is known to the caller. */
export function optionDeclarations(instrumentations: InstrumentationSwitches): Declarations {
  const { instrumentation } = SECTIONS;
  return {
    ...SECTIONS,
    instrumentation: { ...instrumentation, ...instrumentationRule(instrumentations) },
  };
}

/** The rule of `TelemetryOptions`. */
export const telemetryOptionsRule = rememberFor<OptionRule>((instrumentations) =>
  shape<TelemetryOptions>(optionDeclarations(instrumentations), 'an object of options'),
);

/** Every option by its dotted name, in the order of the documentation. */
export function optionNames(instrumentations: InstrumentationSwitches): readonly string[] {
  return listOptions(optionDeclarations(instrumentations)).map(([name]) => name);
}

/** Every environment variable that the configuration reads, with those of the options of `instrumentations`. */
export const environmentVariables = rememberFor<Readonly<Record<string, EnvironmentVariable>>>(
  (instrumentations) => ({
    ...variablesOf(optionDeclarations(instrumentations)),
    ...CONFIG_FILE_VARIABLES,
    ...LOGGING_VARIABLES,
    ...METRIC_VARIABLES,
    ...LIMIT_VARIABLES,
  }),
);

/** Makes a value once for each set of instrumentations, of which a process has one: tests create many applications. */
function rememberFor<T extends object>(
  make: (instrumentations: InstrumentationSwitches) => T,
): (instrumentations: InstrumentationSwitches) => T {
  const made = new WeakMap<InstrumentationSwitches, T>();
  return (instrumentations) => {
    const known = made.get(instrumentations) ?? make(instrumentations);
    made.set(instrumentations, known);
    return known;
  };
}

/** Decides the options for everything. */
export function resolveGeneral(
  { enabled, engine }: GeneralSection,
  env: ValuesIn<typeof GENERAL_SECTION>,
): Resolved<Omit<GeneralSection, 'startCheck'>> {
  return {
    enabled: decide(GENERAL_SECTION.enabled, enabled, env),
    engine: decide(GENERAL_SECTION.engine, engine, env),
  };
}

/** Decides whether the start is checked. */
export function resolveStartCheck(
  { startCheck }: GeneralSection,
  env: ValuesIn<typeof GENERAL_SECTION>,
  environment: string,
): boolean {
  return decide(GENERAL_SECTION.startCheck, startCheck, env) ?? !isTest(environment);
}
