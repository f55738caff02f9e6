import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
} from '../config/semantic-conventions.constants.js';
/**
 * What a key says about its value. `plain`: nothing, the value itself is looked at. `secret`: the value is a secret, whatever it
 * looks like. `secretText`: a text, list or object is one; a number is a count or an age. `errorText`: the text of an error.
 * `identifier`: an id of telemetry itself, which may look like a card number.
 */
export type KeyKind = 'plain' | 'secret' | 'secretText' | 'errorText' | 'identifier';

/** Whole words that name a secret wherever they stand in a key. */
const SECRET_WORDS = new Set(
  'passphrase passcode pwd pswd secret secrets cvv cvv2 cvc cvc2 csc ssn apikey apikeys privatekey secretkey accesskey creditcard cardnumber clientsecret'.split(
    ' ',
  ),
);
const SECRET_TEXT_WORDS = new Set(
  'authorization cookie cookies cookie2 token jwt bearer csrf xsrf credential credentials sessionid sessid phpsessid jsessionid authtoken accesstoken refreshtoken idtoken'.split(
    ' ',
  ),
);
/** Words that name a secret only at the end of a key: `session_count` and `pinned` are none. */
const LAST_WORDS = new Map<string, KeyKind>([
  ['session', 'secretText'],
  ['pin', 'secret'],
  ['otp', 'secret'],
  ['totp', 'secret'],
]);
/** Neighbouring words that name a secret together. */
const SECRET_PAIRS = new Set([
  'api key',
  'api keys',
  'access key',
  'access keys',
  'account key',
  'private key',
  'secret key',
  'signing key',
  'encryption key',
  'master key',
  'ssh key',
  'shared key',
  'credit card',
  'debit card',
  'card number',
  'cc number',
  'pin code',
  'pin number',
  'security code',
  'social security',
  'db pass',
  'database pass',
  'smtp pass',
  'mail pass',
  'redis pass',
  'user pass',
  'auth pass',
  'admin pass',
  'root pass',
]);
const SECRET_TEXT_PAIRS = new Set([
  'session id',
  'session key',
  'session ids',
  'auth code',
  'access tokens',
  'refresh tokens',
  'id tokens',
  'api tokens',
  'auth tokens',
  'bearer tokens',
]);
/** At the end of a key they say that the value describes the secret, as in `token_type` and `password_changed_at`. */
const DESCRIBING = new Set(
  'type types kind count counts total usage used budget limit limits length size max min expires expiry expiration expired ttl age policy required enabled disabled status state strength changed created updated rotated at in on by name names version algorithm alg duration valid invalid present exists missing arn uid uri brand last holder scheme format source mode ms seconds bytes'.split(
    ' ',
  ),
);
/** Names of the semantic conventions for what users look for. */
const CONVENTIONS = /(?:^|\.)session\.(?:id|previous_id)$/;
const ERROR_TEXTS = new Set<string>([ATTR_EXCEPTION_MESSAGE, ATTR_EXCEPTION_STACKTRACE, 'error.message']);
const IDENTIFIERS = new Set(
  'trace_id span_id parent_span_id trace_flags traceId spanId parentSpanId trace.id span.id exception.fingerprint'.split(
    ' ',
  ),
);

/** Where a key is one in the query of a URL: names that mean too little elsewhere. */
const QUERY_KEYS = new Set(
  'key sig signature code auth ticket sid pass otp assertion samlresponse samlrequest awsaccesskeyid x-amz-signature x-amz-credential x-goog-signature x-goog-credential'.split(
    ' ',
  ),
);

const WORDS = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\p{N}+/gu;
/** A longer key is judged by its beginning and its end. */
const LONGEST_KEY = 256;

/** The words of a key in lower case, in whichever style it is written: `x-api-key`, `apiKey`, `API_KEY`. */
export function wordsOf(key: string): string[] {
  const judged = key.length <= LONGEST_KEY ? key : key.slice(0, 128) + key.slice(-128);
  return (judged.match(WORDS) ?? []).map((word) => word.toLowerCase());
}

/** What a key says about its value by the built-in names. */
export function kindOfKey(key: string): KeyKind {
  if (ERROR_TEXTS.has(key)) return 'errorText';
  if (IDENTIFIERS.has(key)) return 'identifier';
  if (CONVENTIONS.test(key)) return 'plain';
  return kindOfWords(wordsOf(key));
}

/** Whether a parameter of a URL's query is a secret by a name that would say too little elsewhere. */
export function isQuerySecret(key: string): boolean {
  return QUERY_KEYS.has(key.toLowerCase());
}

function kindOfWords(words: readonly string[]): KeyKind {
  const last = words.length - 1;
  const lastWord = words[last] ?? '';
  if (words.length === 1 && (lastWord === 'pass' || lastWord === 'sid')) return 'secretText';
  if (lastWord === 'sid' && words[last - 1] === 'connect') return 'secretText';
  for (const [index, word] of words.entries()) {
    const kind = kindOfWord(word, index === last) ?? kindOfPair(`${word} ${words[index + 1] ?? ''}`);
    if (kind !== undefined) return DESCRIBING.has(lastWord) ? 'plain' : kind;
  }
  return 'plain';
}

function kindOfWord(word: string, isLast: boolean): KeyKind | undefined {
  if (SECRET_WORDS.has(word)) return 'secret';
  if (SECRET_TEXT_WORDS.has(word)) return 'secretText';
  if (word.includes('passw')) return isPassword(word) ? 'secret' : undefined;
  // Glued names: `dbsecret`, `xauthtoken`, `stripeapikey`.
  if (word.endsWith('secret') || word.endsWith('apikey')) return 'secret';
  if (word.endsWith('token')) return 'secretText';
  return isLast ? LAST_WORDS.get(word) : undefined;
}

function isPassword(word: string): boolean {
  return (word.includes('password') || word.includes('passwd')) && !word.includes('passwordless');
}

function kindOfPair(pair: string): KeyKind | undefined {
  if (SECRET_PAIRS.has(pair)) return 'secret';
  return SECRET_TEXT_PAIRS.has(pair) ? 'secretText' : undefined;
}
