import { type ModulesContainer } from '@nestjs/core';

/**
 * Makes NestJS call the shutdown hooks of modules of that class after those of all others, whose work is then
 * recorded: hooks run in the order of the distance from the root module.
 */
export function endLast(modules: ModulesContainer, type: unknown): void {
  for (const module of modules.values()) if (module.metatype === type) module.distance = Infinity;
}
