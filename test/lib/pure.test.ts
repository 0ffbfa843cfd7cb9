import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { createSecretBox, isEqualConstantTime } from '../../src/lib/crypto.ts';
import { decodeCursor, encodeCursor } from '../../src/lib/cursor.ts';
import { AppError } from '../../src/lib/errors.ts';
import { etagOf, matchesEtag, parseIfMatch } from '../../src/lib/etag.ts';
import { ObjectId, parseId } from '../../src/lib/ids.ts';
import { canonicalLinkedinUrl } from '../../src/lib/linkedin.ts';
import { amountOf, toMoney } from '../../src/lib/money.ts';
import { normalisePhone } from '../../src/lib/phone.ts';

describe('normalisePhone', () => {
  it.each([
    ['+919876543210', 'IN', '+919876543210'],
    ['098765 43210', 'IN', '+919876543210'],
    ['(212) 555-0100', 'US', '+12125550100'],
    ['0091 98765 43210', 'IN', '+919876543210'],
    ['555123', 'ZZ', '555123'],
    ['12', 'IN', undefined],
    ['call me', 'IN', undefined],
  ])('%s in %s is %s', (text, country, expected) => {
    expect(normalisePhone(text, country)).toBe(expected);
  });
});

describe('canonicalLinkedinUrl', () => {
  it.each([
    ['https://www.linkedin.com/in/Jane-Doe/', 'https://linkedin.com/in/jane-doe'],
    ['http://de.linkedin.com/in/jane-doe?trk=x#top', 'https://linkedin.com/in/jane-doe'],
    ['linkedin.com/company/Acme//', 'https://linkedin.com/company/acme'],
    ['https://linkedin.com/', undefined],
    ['https://notlinkedin.com/in/jane', undefined],
    ['https://linkedin.com.example.com/in/jane', undefined],
    ['ftp://linkedin.com/in/jane', undefined],
    ['jane', undefined],
  ])('reads %s as %s', (text, url) => {
    expect(canonicalLinkedinUrl(text)).toBe(url);
  });
});

describe('cursors', () => {
  it('lead back to their position', () => {
    const position = { value: new Date('2026-06-12T13:09:03.123Z'), id: new ObjectId() };
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    '',
    'garbage',
    encode(null),
    encode({}),
    encode({ u: 'x', i: 'y' }),
    encode({ u: { $gt: 1 }, i: 'a'.repeat(24) }),
  ])('refuse %j', (text) => expect(() => decodeCursor(text)).toThrow(AppError));
});

describe('ETags', () => {
  const etag = etagOf({ _id: '607f1f77bcf86cd799439011', updatedAt: '2026-06-13T10:00:00.000Z' });

  it.each([
    [etag, true],
    [etag.slice(2), true],
    ['*', true],
    [`"other", ${etag}`, true],
    ['"other"', false],
    ['', false],
  ])('%s matches: %s', (header, expected) => expect(matchesEtag(header, etag)).toBe(expected));

  it('are read from If-Match', () => {
    expect(parseIfMatch('*')).toEqual({ any: true });
    const tag = { id: '607f1f77bcf86cd799439011', updatedAt: new Date('2026-06-13T10:00:00.000Z') };
    expect(parseIfMatch(`"x", ${etag}`)).toEqual({ any: false, tags: [tag] });
    expect(parseIfMatch('garbage')).toEqual({ any: false, tags: [] });
  });
});

describe('secrets', () => {
  it('open with the key that sealed them only', () => {
    const box = createSecretBox('a'.repeat(32));
    const sealed = box.seal('whsec_✓');
    expect(sealed).not.toContain('whsec');
    expect(box.open(sealed)).toBe('whsec_✓');
    expect(box.seal('x')).not.toBe(box.seal('x'));
    expect(() => createSecretBox('b'.repeat(32)).open(sealed)).toThrow();
    expect(() => box.open(`${sealed.slice(0, -2)}AA`)).toThrow();
  });

  it('compare by value', () => {
    expect(isEqualConstantTime('a', 'a')).toBe(true);
    expect(isEqualConstantTime('a', 'ab')).toBe(false);
  });
});

it('ids are 24 hex digits and nothing else', () => {
  expect(parseId('607f1f77bcf86cd799439011')).toBeInstanceOf(ObjectId);
  for (const other of ['twelve bytes', '', '607f1f77bcf86cd79943901', null, 5, { $ne: null }])
    expect(parseId(other)).toBeUndefined();
});

it('money keeps its digits', () => {
  for (const amount of [0, 0.1, 1_250_000.5, 1e15, 12_345.678_901])
    expect(amountOf(toMoney(amount, 'INR'))).toBe(amount);
  expect(amountOf(undefined)).toBeUndefined();
});

describe('loadConfig', () => {
  it('has a default for everything', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      port: 5010,
      host: '127.0.0.1',
      signup: 'open',
      rateLimit: { perMinute: 600, perHour: 10_000 },
    });
    expect(config.webhooks.retryDelaysMs).toEqual([
      5_000, 30_000, 120_000, 600_000, 3_600_000, 10_800_000, 28_800_000, 86_400_000,
    ]);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes a replica set and a unix socket', () => {
    const url = 'mongodb://a:27017,b:27017/crm?replicaSet=rs0';
    expect(loadConfig({ MONGODB_URL: url, REDIS_URL: '/run/redis.sock' })).toMatchObject({
      mongoUrl: url,
      redisUrl: '/run/redis.sock',
    });
  });

  it.each([
    ['PORT', 'http'],
    ['PORT', '70000'],
    ['MONGODB_URL', 'localhost'],
    ['REDIS_URL', 'http://localhost'],
    ['JWT_SECRET', 'short'],
    ['SIGNUP', 'maybe'],
    ['LOG_LEVEL', 'loud'],
    ['DEFAULT_COUNTRY', 'XX'],
    ['WEBHOOK_RETRY_DELAYS_MS', '5,x'],
    ['RATE_LIMIT_PER_MINUTE', '0'],
    ['METRICS_TOKEN', 'short'],
    ['TRUST_PROXY', 'true'],
  ])('names %s when it is %s', (name, value) => {
    expect(() => loadConfig({ [name]: value })).toThrow(ConfigError);
    expect(() => loadConfig({ [name]: value })).toThrow(new RegExp(`^${name}: `));
  });

  it('demands secrets in production', () => {
    expect(() => loadConfig({ NODE_ENV: 'production' })).toThrow(/^JWT_SECRET: /);
  });
});
