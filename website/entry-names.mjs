/** A plugin of TypeDoc: names the modules of the reference as users import them. */
const NAMES = { index: 'nestjs-telemetry', testing: 'nestjs-telemetry/testing' };

export function load({ converter }) {
  converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) module.name = NAMES[module.name] ?? module.name;
  });
}
