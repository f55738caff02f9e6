import {
  API_KEY_BEGINNINGS,
  areHarmless,
  CHARACTER_HINTS,
  RULE_BITS,
} from '../../lib/redaction/secret-patterns.js';
import { isShort, TextScreen } from '../../lib/redaction/text-screen.js';
import { createRandom } from '../support/random.js';

/** Pieces of secrets, and what stands around them. */
const PIECES = [
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
      const text = Array.from({ length: 1 + Math.floor(random.next() * 5) }, () => random.pick(PIECES)).join(
        '',
      );
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
