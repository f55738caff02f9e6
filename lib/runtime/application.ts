import {
  type AbstractHttpAdapter,
  type HttpAdapterHost,
  type ModuleRef,
  type ModulesContainer,
} from '@nestjs/core';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import type { SdkRuntime } from './sdk-runtime.js';

/** A NestJS application whose container is being filled. */
export class Application {
  constructor(
    readonly config: TelemetryConfig,
    /** undefined when telemetry is disabled. */
    readonly runtime: SdkRuntime | undefined,
    readonly modules: ModulesContainer,
    readonly moduleRef: ModuleRef,
    readonly host: HttpAdapterHost,
  ) {}

  /**
   * Calls `use` with the HTTP adapter: now, or once it exists, in a test after the container is
   * filled. An application without HTTP has none. Returns the undo.
   */
  whenAdapterExists(use: (adapter: AbstractHttpAdapter) => void): () => void {
    const { host } = this;
    // init$ replays: a late subscriber is called immediately.
    const waiting = host.init$.subscribe(() => {
      // Not in the type: an application context has null.
      const adapter = host.httpAdapter as AbstractHttpAdapter | null | undefined;
      if (adapter !== null && adapter !== undefined) use(adapter);
    });
    return () => {
      waiting.unsubscribe();
    };
  }
}

/**
 * A part of telemetry in one application: an instrumentation, the metrics endpoint, the dashboard.
 */
export interface ApplicationPart {
  /** Called when all providers are created and all routes are registered. */
  ready?(): void;
  /** Called when the application begins to close: ends responses that keep its server open. */
  close?(): void;
  /** Restores what was replaced. */
  stop(): void;
}

/** Adds a part to an application; returns undefined where there is nothing to add. */
export type AttachPart = (application: Application) => ApplicationPart | undefined;
