import { RouterExecutionContext } from '@nestjs/core/router/router-execution-context.js';
import { type Attributes, type Span } from '@opentelemetry/api';

import { type Instrumentation } from '../../config/otel-instrumentation.interface.js';
import { ATTR_NESTJS_TYPE } from '../../config/semantic-conventions.constants.js';
import { warnOnce } from '../../errors/warnings.js';
import { isWrappedByOthers } from '../../invocation/patch.js';
import { findLoadedFiles, requireForPackage } from '../../process/application-modules.js';
import { fileOf, folderOf, packageVersion } from '../clients/loaded-modules.js';

/** OpenTelemetry's instrumentation of NestJS. */
const OFFICIAL = fileOf('@opentelemetry/instrumentation-nestjs-core', '');
/** Loads that one among forty others, whether it is switched on or not. */
const BUNDLE = fileOf('@opentelemetry/auto-instrumentations-node', '');

/** Value of `nestjs.type` on the span that it opens around a handler of a controller. */
const HANDLER = 'handler';

interface Scope {
  readonly name?: unknown;
}

/** What is read of a span of an SDK. */
interface SdkSpan {
  readonly instrumentationScope?: Scope;
  /** Its name in version 1 of the SDK. */
  readonly instrumentationLibrary?: Scope;
  readonly attributes?: Attributes;
}

/**
 * Describes a handler on the span that OpenTelemetry's instrumentation of NestJS has opened for it; false where the active span
 * is another one, and the handler needs a span.
 */
export function describeOfficialSpan(active: Span, handler: Attributes): boolean {
  const { instrumentationScope, instrumentationLibrary, attributes } = active as SdkSpan;
  const scope = instrumentationScope ?? instrumentationLibrary;
  if (scope?.name !== OFFICIAL.name || attributes?.[ATTR_NESTJS_TYPE] !== HANDLER) return false;
  active.setAttributes({ ...handler, [ATTR_NESTJS_TYPE]: HANDLER });
  return true;
}

/**
 * Warns where the application has OpenTelemetry's instrumentation of NestJS, and it has not patched NestJS.
 *
 * @param passed those of the option `instrumentations`
 */
export function warnOfInertInstrumentation(passed: readonly Instrumentation[]): void {
  if (isWrappedByOthers(Reflect.get(RouterExecutionContext.prototype, 'create'))) return;
  const version =
    passed.find(({ instrumentationName }) => instrumentationName === OFFICIAL.name)?.instrumentationVersion ??
    loadedVersion();
  if (version === undefined) return;
  warnOnce(
    'nest:official-instrumentation',
    `${OFFICIAL.name} ${version} records nothing here: it has not patched NestJS${nestVersion()}. It supports NestJS up to 11, ` +
      'and must be enabled before that is loaded. Leave it out: `instrumentation.nest`, on by default, records handlers, ' +
      'guards, pipes and interceptors. See docs/other-sdks.md.',
  );
}

/** undefined where the application has not loaded it by itself. */
function loadedVersion(): string | undefined {
  const [path] = findLoadedFiles(OFFICIAL.anyFile);
  if (path === undefined || findLoadedFiles(BUNDLE.anyFile).length > 0) return undefined;
  return packageVersion(folderOf(OFFICIAL, path)) ?? '(unknown version)';
}

/** With a space in front; empty in a bundle. */
function nestVersion(): string {
  const manifest = '@nestjs/core/package.json';
  const found = requireForPackage(manifest)?.(manifest) as { readonly version?: unknown } | undefined;
  return typeof found?.version === 'string' ? ` ${found.version}` : '';
}
