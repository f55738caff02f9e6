/** Built-in rules that `redaction.disable` can switch off by name. */
export type RedactionRule =
  | 'keys'
  | 'pairs'
  | 'error-properties'
  | 'error-queries'
  | 'url-credentials'
  | 'credentials'
  | 'jwt'
  | 'api-keys'
  | 'private-keys'
  | 'cards';

/** Where a secret was found. */
export interface FoundSecret {
  /** The built-in rule that found it, or `patterns` for a pattern of the application. */
  readonly rule: RedactionRule | 'patterns';
  /** The key of the value, where there is one. */
  readonly key: string | undefined;
}

/** Makes the text that stands in place of a secret. Never called twice for its own result. */
export type ReplaceSecret = (secret: string, found: FoundSecret) => string;

/** What is kept out of spans, metrics, log lines, resources and URLs before they are recorded. */
export interface RedactionOptions {
  /**
   * Further keys whose values are secrets, beside the built-in ones. A text matches whole words in any style: `customer number`
   * matches `customerNumber`, `x-customer-number` and `customer_number_2`. A regular expression is tested on the key.
   * Default none.
   */
  keys?: readonly (string | RegExp)[];
  /**
   * Further patterns of secrets in texts. Texts are searched in windows of 4,096 characters that overlap by 512. Default none.
   */
  patterns?: readonly RegExp[];
  /** What stands in place of a secret. Default `[Redacted]`. */
  replace?: string | ReplaceSecret;
  /** Own properties of errors that are kept beside the built-in ones. Default none. */
  errorProperties?: readonly string[];
  /** `true` switches redaction off, a list of names single built-in rules. Default `false`. */
  disable?: boolean | readonly RedactionRule[];
}
