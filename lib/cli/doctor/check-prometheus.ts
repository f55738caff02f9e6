import { isRecord } from '../../config/option-rules.js';
import { fault, type Finding, named, ok, type Result, warning } from '../../doctor/finding.js';
import { ask, describeAnswer, jsonOf } from './ask.js';
import { recordsOf, text } from './check-application.js';

/** Whether a Prometheus scrapes the application, by its HTTP API. */
export async function checkPrometheus(prometheus: URL, metrics: URL): Promise<Finding[]> {
  const base = prometheus.href.replace(/\/$/, '');
  const answer = await ask(`${base}/api/v1/targets?state=active`);
  const body = jsonOf(answer);
  const data = isRecord(body) && isRecord(body.data) ? body.data : undefined;
  const check = `Prometheus at ${prometheus.origin}`;
  if (data === undefined) {
    const remedy = 'Start it, and check the address given with --prometheus.';
    return named(check, [fault('does not answer.', describeAnswer(answer), remedy)]);
  }
  return named(check, [judgeTargets(recordsOf(data.activeTargets), metrics)]);
}

/** Prometheus may know the host by another name, so that port and path decide. */
function judgeTargets(targets: readonly Readonly<Record<string, unknown>>[], metrics: URL): Result {
  const ofPort = targets.filter(({ scrapeUrl }) => portOf(text(scrapeUrl)) === portOf(metrics.href));
  const target = ofPort.find(({ scrapeUrl }) => pathOf(text(scrapeUrl)) === metrics.pathname);
  if (target === undefined) {
    const seen = (ofPort.length > 0 ? ofPort : targets).map(({ scrapeUrl }) => text(scrapeUrl)).slice(0, 10);
    return fault(
      'does not scrape the application.',
      seen.length === 0 ? 'it has no targets' : `its targets: ${seen.join(', ')}`,
      `Add to scrape_configs of prometheus.yml:\n- job_name: application\n  metrics_path: ${metrics.pathname}\n  static_configs: [{ targets: ['${metrics.host}'] }]`,
    );
  }
  const { health, lastError, scrapeUrl } = target;
  if (health === 'up') return ok(`scrapes ${text(scrapeUrl)}.`);
  if (health === 'unknown')
    return warning(
      'has not scraped the application yet.',
      text(scrapeUrl),
      'Wait for its scrape interval, and run this again.',
    );
  return fault(
    'cannot scrape the application.',
    `${text(scrapeUrl)}: ${text(lastError)}`,
    'From a container, localhost is the container: name the host, and set HOST=0.0.0.0 for the application.',
  );
}

function portOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  return parsed === null ? undefined : parsed.port || (parsed.protocol === 'https:' ? '443' : '80');
}

function pathOf(url: string): string | undefined {
  return URL.parse(url)?.pathname;
}
