import type { SpanAnswer } from '../../../reader/answers/traces.interface.js';
import { clientOf } from '../../../ui/client.js';
import { useLoad } from '../../../ui/parts/use-load.js';
import { addressOf } from '../../../ui/state.js';
import type { ProfilesApi } from '../query.js';

const profilesApi = clientOf<ProfilesApi>();

/** Leads to the CPU of a span, where a profile was recorded in its process while it ran. */
export function CpuLink({ span: { traceId, service, start, durationMs } }: { readonly span: SpanAnswer }) {
  const { data } = useLoad(`profiles|${traceId}|${service}`, (signal) =>
    profilesApi.get('profiles', { traceId, service }, signal),
  );
  const end = start + durationMs;
  const covering =
    data?.service === service
      ? data.profiles.find(({ startedAt, endedAt }) => startedAt < end && endedAt > start)
      : undefined;
  if (covering === undefined) return null;
  return (
    <a href={addressOf(['profile', covering.id], { at: start, until: end, traceId })}>CPU of this request</a>
  );
}
