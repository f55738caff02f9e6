import { chooseColour, COLOURS } from '../../../lib/dashboard/ui/parts/choose-colour.js';

function colourAll(services: readonly string[]): ReadonlyMap<string, number> {
  const given = new Map<string, number>();
  for (const service of services) given.set(service, chooseColour(service, given));
  return given;
}

describe('the colour of a service', () => {
  const services = Array.from({ length: COLOURS }, (_, index) => `service_${index}`);

  it('is decided by its name, whichever view meets it first', () => {
    const there = colourAll(['gateway', 'orchestrator', 'worker']);
    const back = colourAll(['worker', 'orchestrator', 'gateway']);
    expect(Object.fromEntries(back)).toEqual(Object.fromEntries(there));
    expect(new Set(there.values()).size).toBe(3);
  });

  it('is no other service’s as long as there are enough', () => {
    expect(new Set(colourAll(services).values()).size).toBe(COLOURS);
  });

  it('is shared evenly when there are more services than colours', () => {
    const uses = Map.groupBy(
      colourAll([...services, ...services.map((name) => `${name}_b`)]),
      ([, colour]) => colour,
    );
    expect([...uses.values()].map((each) => each.length)).toEqual(new Array(COLOURS).fill(2));
  });
});
