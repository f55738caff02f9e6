type Environment = Readonly<Record<string, string | undefined>>;

export const HOW_TO_GET_CHROMIUM: string;

export function findInstalledChromium(env?: Environment): string | undefined;

export function findChromium(env?: Environment): Promise<string | undefined>;
