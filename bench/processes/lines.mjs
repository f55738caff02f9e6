// How a service writes the application line: through nestjs-pino's `PinoLogger`, Nest's `Logger`, or the `TelemetryService`.
// Each gives `inject`, the class that Nest injects (none: the logger is created), `create`, and `write`.

export const LINES = {
  pino: async () => {
    const { PinoLogger } = await import('nestjs-pino');
    return {
      inject: PinoLogger,
      create: (injected, name) => {
        injected.setContext(name);
        return injected;
      },
      write: (logger, id) => {
        logger.info({ id }, 'order read');
      },
    };
  },
  nest: async () => {
    const { Logger } = await import('@nestjs/common');
    return {
      create: (_injected, name) => new Logger(name),
      write: (logger, id) => {
        logger.log('order read', { id });
      },
    };
  },
  service: async () => {
    const { TelemetryService } = await import('nestjs-telemetry');
    return {
      inject: TelemetryService,
      create: (injected) => injected,
      write: (telemetry, id) => {
        telemetry.logInfo('order read', { id });
      },
    };
  },
};
