import type { TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { serviceClass } from './service-colour.js';

/** The services of a trace in their colours: where it began first, the others by name, for they arrive in any order. */
export function ServiceNames({ of }: { readonly of: Pick<TraceSummaryAnswer, 'service' | 'services'> }) {
  const others = of.services.filter((service) => service !== of.service).sort((a, b) => a.localeCompare(b));
  return (
    <>
      {[of.service, ...others].map((service) => (
        <span key={service} class={serviceClass(service)}>
          <i class="swatch" aria-hidden="true" /> {service}
        </span>
      ))}
    </>
  );
}
