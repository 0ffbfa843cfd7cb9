import { describe, expect, it } from 'vitest';
import { ObjectId } from '../../src/lib/ids.ts';
import { facet, facetsOf, facetsOfRecord, searchFacets } from '../../src/records/facets.ts';

const rules = {
  name: 'words',
  email: 'email',
  phone: 'phone',
  status: 'value',
  tags: 'value',
  fields: 'map',
} as const;

describe('facetsOf', () => {
  it.each([
    ['status', 'Site Visit', ['status=site visit']],
    ['tags', ['VIP', 'vip', 'new'], ['tags=vip', 'tags=new']],
    ['name', 'José  Núñez-Díaz', ['name=jose', 'name=nunez', 'name=diaz']],
    [
      'email',
      'A.B@Example.com',
      ['email=a.b@example.com', 'email=a', 'email=b', 'email=example', 'email=com'],
    ],
    ['phone', '+91 98765 43210', ['phone=919876543210', 'phone=9876543210']],
    ['phone', '12345', ['phone=12345']],
    [
      'fields',
      { budget: 5, hot: true, deep: { a: 1 }, list: ['x', ['y']] },
      ['fields.budget=5', 'fields.hot=true', 'fields.list=x'],
    ],
    ['fields.budget', 5, ['fields.budget=5']],
    ['fields.a=b', 'c', ['fields.a%3Db=c']],
    ['status', undefined, []],
    ['status', null, []],
    ['description', 'no rule', []],
  ])('%s: %j', (path, value, expected) => {
    expect(facetsOf(rules, path, value)).toEqual(expected);
  });

  it('knows ids', () => {
    const id = new ObjectId();
    expect(facetsOf({ leadId: 'value' }, 'leadId', id)).toEqual([`leadId=${id.toHexString()}`]);
  });

  it('keeps long values small and tells them apart', () => {
    const long = 'x'.repeat(10_000);
    expect(facet('status', long)).toHaveLength('status=#'.length + 64);
    expect(facet('status', long)).not.toBe(facet('status', `${long}y`));
  });
});

it('facetsOfRecord gathers all fields with a rule', () => {
  const record = { name: 'Asha', status: 'new', fields: { a: 1 }, other: 'x' };
  expect(facetsOfRecord(rules, record)).toEqual(['name=asha', 'status=new', 'fields.a=1']);
});

describe('searchFacets', () => {
  it.each([
    ['rahul sharma', ['rahul', 'sharma']],
    ['98765 43210', ['9876543210']],
    ['A@b.com', ['a@b.com']],
    ['!!!', []],
  ])('%s looks for %j', (text, terms) => {
    expect(searchFacets(rules, text)).toEqual(
      terms.map((term) => [`name=${term}`, `email=${term}`, `phone=${term}`]),
    );
  });
});
