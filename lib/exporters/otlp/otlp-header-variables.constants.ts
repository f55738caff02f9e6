/**
 * What OTLP exporters add to the headers they are given. Our configuration has read these already and knows whom they
 * are meant for: left visible, the token of one collector would be sent to every other OTLP target as well.
 */
export const OTLP_HEADER_VARIABLES = [
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
  'OTEL_EXPORTER_OTLP_LOGS_HEADERS',
] as const;
