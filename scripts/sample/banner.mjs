/** What runs where and what to try, for the person who typed `npm start`. */
export function renderBanner(urls, env) {
  const { host } = new URL(urls.gateway);
  const own = (variable) => (env[variable] ? `(${variable})` : '(embedded)');
  const sentTo = [
    env.JAEGER_ENDPOINT || env.OTEL_EXPORTER_JAEGER_ENDPOINT,
    env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
  ].filter(Boolean);
  return [
    '',
    'The sample system is running:',
    `  api_gateway        ${urls.gateway}   POST /process, GET /metrics, /health, /debug/traces/<trace id>`,
    `  orchestrator       ${urls.orchestrator}   POST /process, GET /metrics, /health`,
    `  background_worker  ${urls.worker}   POST /jobs, GET /jobs/<job id>, /metrics, /health`,
    `  PostgreSQL         ${withoutPassword(urls.database)} ${own('DATABASE_URL')}`,
    `  Redis              ${withoutPassword(urls.redis)} ${own('REDIS_URL')}`,
    `  LLM stand-in       ${urls.llm} ${own('LLM_URL')}`,
    `  traces             ${sentTo.length > 0 ? `also sent to ${sentTo.join(' and ')}` : 'kept on this machine; OTEL_EXPORTER_JAEGER_ENDPOINT=http://localhost:4317 sends them to Jaeger too'}`,
    `  dashboard          ${urls.dashboard}   traces, logs and metrics of all three, from a spike to its error log`,
    '',
    'Try:',
    `  curl -s -XPOST ${host}/process -H 'content-type: application/json' -d '{"text":"hello"}'`,
    `  curl -s ${host}/debug/traces/<the traceId of the answer>`,
    `  curl -s ${host}/metrics | grep requests_total`,
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}

function withoutPassword(address) {
  const url = new URL(address);
  if (url.password !== '') url.password = '***';
  return url.href;
}
