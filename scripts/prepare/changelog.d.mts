export function changelogProblems(changelog: string, version: string): string[];
export function dateUnreleased(changelog: string, version: string, date: string): string;
export function structureProblems(changelog: string): string[];
