/** Folders of a place outside of the application: enough to find it, without the name of whose machine it is. */
const OUTER_FOLDERS = 3;

/**
 * A file as its path below `root`, with slashes: `src/order.service.ts`, `node_modules/pg/lib/client.js`. Of a file elsewhere only the
 * last folders are named.
 */
export function relativePath(file: string, root: string): string {
  const path = pathOf(file).replaceAll('\\', '/');
  const folder = `${root.replaceAll('\\', '/').replace(/\/$/, '')}/`;
  if (path.startsWith(folder)) return path.slice(folder.length);
  const packages = path.lastIndexOf('/node_modules/');
  if (packages !== -1) return path.slice(packages + 1);
  if (!/^(?:\/|[a-z]:\/)/i.test(path)) return path;
  return `…/${path.split('/').filter(Boolean).slice(-OUTER_FOLDERS).join('/')}`;
}

/** `file:///app/a%20b.js` as `/app/a b.js`. */
function pathOf(file: string): string {
  if (!file.startsWith('file://')) return file;
  try {
    return decodeURIComponent(file.replace(/^file:\/\/(?:localhost)?/, '').replace(/^\/(?=[a-z]:\/)/i, ''));
  } catch {
    // Not encoded as a URL should be.
    return file.slice('file://'.length);
  }
}
