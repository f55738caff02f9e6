import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  StreamableFile,
  type Type,
} from '@nestjs/common';
import { type AbstractHttpAdapter, type ModuleRef } from '@nestjs/core';
import { firstValueFrom, isObservable } from 'rxjs';

import { type PrometheusConfig } from '../config/metrics.js';
import { warnOnce } from '../errors/warnings.js';
import { type PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { type Application, type ApplicationPart } from '../runtime/application.js';

type Adapter = AbstractHttpAdapter;
type Serve = (request: unknown, response: unknown) => Promise<void>;

/**
 * Serves the metrics on the application's own port, as a route of the adapter: global prefix,
 * versioning, guards, pipes and filters of the application do not apply; guards of the options do.
 */
export function attachMetricsEndpoint(application: Application): ApplicationPart | undefined {
  const { prometheus } = application.config.metrics;
  const scrape = application.runtime?.prometheus;
  if (prometheus === undefined || prometheus.port !== undefined || scrape === undefined) return undefined;
  let checkRoutes = (): void => undefined;
  const unsubscribe = application.whenAdapterExists((adapter) => {
    checkRoutes = mountMetricsEndpoint(adapter, prometheus, scrape, application.moduleRef);
  });
  const ready = (): void => {
    checkRoutes();
  };
  return { ready, stop: unsubscribe };
}

/** Returns a function that warns and steps aside if the application has a route on that path. */
function mountMetricsEndpoint(
  adapter: Adapter,
  config: PrometheusConfig,
  scrape: PrometheusScrape,
  moduleRef: ModuleRef,
): () => void {
  const { path } = config;
  let guards: Promise<readonly CanActivate[]> | undefined;
  const serve: Serve = async (request, response) => {
    try {
      guards ??= Promise.all(config.guards.map((guard) => resolveGuard(guard, moduleRef)));
      await passGuards(await guards, createExecutionContext(request, response));
      const accept: unknown = (request as { headers?: { accept?: unknown } }).headers?.accept;
      const { statusCode, contentType, body } = await scrape.render(
        typeof accept === 'string' ? accept : undefined,
      );
      adapter.setHeader(response, 'content-type', contentType);
      // A handler of Fastify that ends before anything is sent would answer with nothing.
      await adapter.reply(response, new StreamableFile(body), statusCode);
    } catch (error) {
      if (adapter.isHeadersSent(response) !== true) replyWithError(adapter, response, error);
    }
  };
  return adapter.getType() === 'express'
    ? mountOnExpress(adapter, path, serve)
    : () => {
        mountLate(adapter, path, serve);
      };
}

/**
 * Express tries routes in the order of their registration: ours must come before a catch-all of the
 * application, but after a route of the application on that path.
 */
function mountOnExpress(adapter: Adapter, path: string, serve: Serve): () => void {
  let taken = false;
  const handler = (request: unknown, response: unknown, next?: unknown): void => {
    if (taken && typeof next === 'function') (next as () => void)();
    else void serve(request, response);
  };
  adapter.get(path, handler);
  return () => {
    taken = expressRoutesFor(adapter, path) > 1;
    if (taken) warnTaken(path);
  };
}

interface ExpressLayer {
  readonly route?: { readonly path?: unknown; readonly methods?: Readonly<Record<string, boolean>> };
}

function expressRoutesFor(adapter: Adapter, path: string): number {
  const { router } = adapter.getInstance<{ router?: { stack?: readonly ExpressLayer[] } }>();
  const routes = router?.stack ?? [];
  return routes.filter(({ route }) => route?.path === path && route.methods?.get === true).length;
}

/** Fastify refuses a second route on a path, so the application goes first. */
function mountLate(adapter: Adapter, path: string, serve: Serve): void {
  try {
    adapter.get(path, serve);
  } catch {
    warnTaken(path);
  }
}

function warnTaken(path: string): void {
  warnOnce(
    `metrics-path:${path}`,
    `The application has a route on ${path} itself, so the metrics are not offered there. ` +
      'Set prometheus.path to another path, prometheus.port to its own port, or enablePrometheus to false.',
  );
}

async function resolveGuard(
  guard: CanActivate | Type<CanActivate>,
  moduleRef: ModuleRef,
): Promise<CanActivate> {
  if (typeof guard !== 'function') return guard;
  try {
    return moduleRef.get<CanActivate>(guard, { strict: false });
  } catch {
    // Most guards are not providers; ModuleRef has no other way to find out.
    return await moduleRef.create(guard);
  }
}

async function passGuards(guards: readonly CanActivate[], context: ExecutionContext): Promise<void> {
  for (const guard of guards) {
    const answer = guard.canActivate(context);
    const allowed = await (isObservable(answer) ? firstValueFrom(answer) : answer);
    if (!allowed) throw new HttpException('Forbidden resource', 403);
  }
}

/** The class guards see as the controller of the endpoint. */
class MetricsEndpointController {
  /** For guards that read metadata of the handler. */
  readonly scrape = (): void => undefined;
}

const controller = new MetricsEndpointController();

function createExecutionContext(request: unknown, response: unknown): ExecutionContext {
  const args = [request, response, undefined];
  const unsupported = (): never => {
    throw new TypeError('The metrics endpoint is reached by HTTP only');
  };
  return {
    getClass: <T>() => MetricsEndpointController as Type<T>, // the signature promises any T the caller names
    getHandler: () => controller.scrape,
    getArgs: <T extends unknown[]>() => args as T,
    getArgByIndex: <T>(index: number) => args[index] as T,
    switchToRpc: unsupported,
    switchToWs: unsupported,
    switchToHttp: () => ({
      getRequest: <T>() => request as T,
      getResponse: <T>() => response as T,
      getNext: <T>() => undefined as T,
    }),
    getType: <T extends string>() => 'http' as T,
  };
}

function replyWithError(adapter: Adapter, response: unknown, error: unknown): void {
  if (error instanceof HttpException) adapter.reply(response, error.getResponse(), error.getStatus());
  else {
    const message = `The metrics could not be collected: ${String(error)}`;
    adapter.reply(response, { statusCode: 500, message }, 500);
  }
}
