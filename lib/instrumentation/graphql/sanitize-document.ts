const MAX_LENGTH = 2_048;
const MAX_CACHED = 200;

/** Block strings, strings, comments, numbers; names such as `line1` and `$v2` are none. */
const LITERALS = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|(?<![\w$])-?\d[\w.+-]*/g;

const cache = new Map<string, string>();

/**
 * Gives the document of an operation without what a user can have typed into it: each string and number becomes `*`,
 * comments and indentation go. Cut after 2,048 characters.
 */
export function sanitizeDocument(source: string): string {
  const known = cache.get(source);
  if (known !== undefined) return known;
  // What is cut off is not read: the length of a document is the client's choice. Twice, because indentation goes.
  const head = source.slice(0, 2 * MAX_LENGTH);
  const sanitized = endOpenString(head)
    .replace(LITERALS, mask)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_LENGTH);
  if (cache.size < MAX_CACHED && source.length <= MAX_LENGTH) cache.set(source, sanitized);
  return sanitized;
}

function mask(literal: string): string {
  return literal.startsWith('#') ? ' ' : '*';
}

/** A string that the cut went through has no end: it would be taken for text. */
function endOpenString(head: string): string {
  const rest = head.replace(LITERALS, (literal) =>
    literal.startsWith('"') ? ' '.repeat(literal.length) : literal,
  );
  const open = rest.replace(/#[^\n\r]*/g, (comment) => ' '.repeat(comment.length)).indexOf('"');
  return open === -1 ? head : head.slice(0, open);
}
