/**
 * Parameters, wildcards and optional parts of a route of Express or Fastify, and the text between.
 */
const TOKENS = /:[A-Za-z_$][\w$]*(?:\((?:[^()\\]|\\.)*\))?\??|\*[\w$]*|\{[^{}]*\}|[^:*{]+|[:{]/g;

/**
 * Compiles the template of a route (`/orders/:id`, `/files/*path`, `/orders{/:id}`) to an
 * expression for the paths that its router matches, without the patterns of parameters.
 */
export function compileRoute(template: string): RegExp {
  return new RegExp(`^${translate(template)}/?$`);
}

function translate(template: string): string {
  let source = '';
  for (const [token] of template.matchAll(TOKENS)) {
    const isParameter = token.startsWith(':') && token.length > 1;
    if (isParameter && token.endsWith('?') && source.endsWith('/'))
      source = `${source.slice(0, -1)}(?:/[^/]+)?`;
    else if (isParameter) source += '[^/]+';
    else if (token.startsWith('*')) source += '.*';
    else if (token.startsWith('{') && token.length > 1) source += `(?:${translate(token.slice(1, -1))})?`;
    else source += token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return source;
}
