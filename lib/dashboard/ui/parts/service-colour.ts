/** Services keep their colour wherever they show: by the order in which the page met them. */
const met = new Map<string, number>();
const COLOURS = 8;

/** A class that sets `--service` to the colour of a service. */
export function serviceClass(service: string): string {
  let index = met.get(service);
  if (index === undefined) {
    index = met.size;
    met.set(service, index);
  }
  return `service-${index % COLOURS}`;
}
