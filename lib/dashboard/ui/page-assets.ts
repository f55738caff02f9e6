/** A file of the page, as it is sent. */
export interface PageAsset {
  /** Name below the page's path; the page itself is `index.html`. */
  readonly name: string;
  readonly contentType: string;
  /** Strong, from the content, with its quotes. */
  readonly etag: string;
  /** The content, gzipped, in base64. */
  readonly gzip: string;
}

/**
 * The files of the page. Empty here: `scripts/build-ui.mjs` bundles this folder and fills the list when the library is built, so that
 * the page is found without asking where the library lies. Run from its sources, the dashboard has its API but no page.
 *
 * Every address in the page is relative to the folder it is served from, so `<path>` has to lead to `<path>/`. Files other than
 * `index.html` have their hash in the name and never change.
 */
export const PAGE_ASSETS: readonly PageAsset[] = [];

/**
 * The `Content-Security-Policy` the page works under: nothing inline, nothing from elsewhere, and no string that becomes markup or code.
 */
export const PAGE_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
