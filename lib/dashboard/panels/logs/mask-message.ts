const MAX_LENGTH = 300;

/** Addresses, quoted texts, and words, of which those with digits change. */
const PARTS =
  /\b[a-z]+:\/\/[^\s"'<>]+|(?<!\w)"[^"\n]{1,200}"|(?<!\w)'[^'\n]{1,200}'(?!\w)|\d+(?:[.,:]\d+)+[A-Za-z]{0,3}|[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*/gi;

/**
 * What the messages of one statement have in common: numbers, ids and dates become `#`, quoted texts and addresses `…`. At most 300
 * characters of a message count.
 */
export function maskMessage(message: string): string {
  return message.slice(0, MAX_LENGTH).replace(PARTS, (part) => {
    if (part.startsWith('"') || part.startsWith("'")) return `${part.charAt(0)}…${part.charAt(0)}`;
    if (part.includes('://')) return '…';
    return maskWord(part);
  });
}

/** Keeps the kind of an id, as in `order-#`, and the unit of a number, as in `#ms`. */
function maskWord(word: string): string {
  if (/^[\da-f-]{6,}$/i.test(word)) return '#';
  const [, kind = ''] = /^([A-Za-z_-]+)\d+$/.exec(word) ?? [];
  const [, unit = ''] = /^[\d.,:]+([A-Za-z]{1,3})$/.exec(word) ?? [];
  return `${kind}#${unit}`;
}
