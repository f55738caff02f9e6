import { DEFAULT_REDACTION } from '../../lib/redaction/active-redaction.js';
import { RedactionPolicy } from '../../lib/redaction/redaction-policy.js';
import {
  API_KEY_BEGINNINGS,
  areHarmless,
  CHARACTER_HINTS,
  RULE_BITS,
} from '../../lib/redaction/secret-patterns.js';
import { isShort, TextScreen } from '../../lib/redaction/text-screen.js';
import { createRandom } from '../support/random.js';

const DIGITS_OF_CARD = '4111111111111111';

/** Pieces of secrets, and what stands around them. */
const PIECES = [
  ...[
    'eyJhbGciOi',
    'eyJ',
    '.eyJzdWIi',
    '.abcdefghij',
    'AKIAIOSFODNN7EXAMPLE',
    'AIzaSyA1234567890abcdefghijklmnopqrstuv',
  ],
  ...[
    'ya29.',
    'SG.',
    'ghp_',
    'gho_',
    'github_pat_',
    'glpat-',
    'xoxb-',
    'xapp-',
    'rk_live_',
    'sk-',
    'sk_test_',
  ],
  ...['whsec_', 'npm_', 'hf_', 'dop_v1_', 'shpat_', 'shpss_', 'GOCSPX-', 'hooks.slack.com/services/'],
  ...['Bearer ', 'Bearer\t', 'BASIC ', 'basic ', 'Negotiate ', 'ApiKey ', 'ApiKey  ', 'bearer\u00a0'],
  ...[
    'password',
    'token',
    'x-api-key',
    'user[password]',
    '"secret"',
    '\\"pwd\\"',
    'näme',
    'clé',
    'sig',
    'page',
  ],
  ...['=', ' = ', ':', ': ', '%3D', '%3d', '?', '&', '--password ', '--', '-----BEGIN RSA PRIVATE KEY-----'],
  ...[
    '4111 1111 1111 1111',
    '5500-0000-0000-0004',
    DIGITS_OF_CARD,
    '41111',
    'https://',
    'user:pw@',
    '@',
    '/',
  ],
  ...[
    '1234567890abcdefghijklmnopqrstuvwxyz',
    'ABCDEFGHIJKLMNOPQRSTUVWX',
    'word',
    'order',
    ' ',
    '\n',
    '"',
    'é',
    '漢',
    '😀',
  ],
];

/** Makes a text so long that all rules search it, and belongs to nothing in it. */
const FRONT = `${'x '.repeat(250)}\n`;

describe('TextScreen', () => {
  it('lets no text pass in which a search would find a secret', () => {
    const random = createRandom(23);
    let policy = new RedactionPolicy(DEFAULT_REDACTION);
    let redacted = 0;
    for (let run = 0; run < 30_000; run += 1) {
      const text = Array.from({ length: 1 + Math.floor(random.next() * 6) }, () => random.pick(PIECES)).join(
        '',
      );
      // A shorter one is a secret only by its key.
      if (text.length < 12 && !/[=:%]/.test(text)) continue;
      // A fresh policy knows no keys yet.
      if (run % 500 === 0) policy = new RedactionPolicy(DEFAULT_REDACTION);
      const searched = policy.text(FRONT + text).slice(FRONT.length);
      expect(policy.text(text)).toBe(searched);
      if (searched !== text) redacted += 1;
    }
    expect(redacted).toBeGreaterThan(5_000);
  });
});

/** Pieces of secrets, and what stands around them. */
const HINT_PIECES = [
  ...['eyJhbGci', 'AKIA', 'ASIA', 'AIza', 'ya29.', 'SG.', 'ghp_', 'github_pat_', 'glpat-', 'xoxb-', 'xapp-'],
  ...[
    'rk_live_',
    'sk-',
    'whsec_',
    'npm_',
    'hf_',
    'dop_v1_',
    'shpat_',
    'GOCSPX-',
    'hooks.slack.com/services/',
  ],
  ...[
    'Bearer ',
    'bearer\t',
    'BASIC ',
    'Basic ',
    'Negotiate ',
    'ApiKey ',
    'password',
    '=',
    ':',
    '%3d',
    '--key ',
  ],
  ...[
    '4111 1111 1111 1111',
    '4111-1111',
    '4111',
    ' ',
    '@',
    '://',
    'word',
    'order',
    'x',
    'kK',
    'the',
    '(',
    '42',
  ],
];

const hintsOf = (text: string): number =>
  Array.from(text).reduce((hints, character) => hints | CHARACTER_HINTS[character.charCodeAt(0)]!, 0);

/** Takes every key for that of a secret. */
const screen = new TextScreen(() => false);

describe('areHarmless()', () => {
  it('accepts no text that a search would look at', () => {
    const random = createRandom(11);
    let accepted = 0;
    for (let run = 0; run < 50_000; run += 1) {
      const text = Array.from({ length: 1 + Math.floor(random.next() * 5) }, () =>
        random.pick(HINT_PIECES),
      ).join('');
      if (!areHarmless(hintsOf(text), text.length)) continue;
      accepted += 1;
      expect({ text, rules: isShort(text) ? 0 : screen.rulesFor(text) }).toEqual({ text, rules: 0 });
    }
    expect(accepted).toBeGreaterThan(500);
  });

  it.each(['order read', 'OrderService', 'GET', 'order-4711', 'the customer asked for another address'])(
    'accepts %j without a search',
    (text) => {
      expect(areHarmless(hintsOf(text), text.length)).toBe(true);
    },
  );
});

describe.each(API_KEY_BEGINNINGS)('an API key that begins with %s', (beginning) => {
  it('is searched for in a short text', () => {
    expect(screen.rulesFor(beginning) & RULE_BITS['api-keys']).toBe(RULE_BITS['api-keys']);
  });

  it('is searched for in prose that is too long to look at each character', () => {
    expect(screen.rulesFor(`${'word '.repeat(20)}${beginning}`)).not.toBe(0);
  });

  it('is searched for where its characters have been looked at', () => {
    expect(areHarmless(hintsOf(beginning), 40)).toBe(false);
  });
});
