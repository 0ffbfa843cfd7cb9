import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBounded } from '../../src/lib/bounds.ts';

const listOf = (count: number, item: unknown = 'x') => Array.from({ length: count }, () => item);
const mapOf = (count: number) => Object.fromEntries(listOf(count).map((_, index) => [`k${index}`, 1]));
const tooMany = (max: number, ...path: string[]) => ({
  success: false,
  issues: [{ path, message: `Too many entries: at most ${max}` }],
});

/** Counts how often an item was looked at. */
function counting() {
  const looks = { count: 0 };
  const item = z.unknown().refine(() => {
    looks.count += 1;
    return true;
  });
  return { looks, item };
}

describe('parseBounded', () => {
  it('is what the schema makes of a value within bounds', () => {
    const schema = z.object({ tags: z.array(z.string().trim()).max(2), other: z.number().default(1) });
    expect(parseBounded(schema, { tags: [' a ', 'b'] })).toEqual({
      success: true,
      data: { tags: ['a', 'b'], other: 1 },
    });
  });

  it('counts a list before it looks at an item, by the schema’s own bound or by one for all', () => {
    const { looks, item } = counting();
    expect(parseBounded(z.object({ a: z.array(item).max(3) }), { a: listOf(4) })).toEqual(tooMany(3, 'a'));
    expect(parseBounded(z.array(item), listOf(1_001))).toEqual(tooMany(1_000));
    expect(looks.count).toBe(0);
  });

  it('counts the names of maps and objects', () => {
    expect(parseBounded(z.record(z.string(), z.string()), mapOf(1_001))).toEqual(tooMany(1_000));
    expect(parseBounded(z.looseObject({ a: z.string() }), mapOf(1_001))).toEqual(tooMany(1_000));
    expect(parseBounded(z.object({}), mapOf(1_000))).toMatchObject({ success: true });
  });

  it('counts the items of all lists together', () => {
    const nested = z.array(z.array(z.number()));
    expect(parseBounded(nested, listOf(100, listOf(900, 1)))).toMatchObject({
      success: false,
      issues: [{ message: 'Too many entries: at most 20000' }],
    });
  });

  it.each<[string, z.ZodType]>([
    ['an optional list', z.array(z.string()).max(2).optional()],
    ['a nullable one', z.array(z.string()).max(2).nullable()],
    ['one with a default', z.array(z.string()).max(2).default([])],
    ['one that is transformed', z.array(z.string()).max(2).transform(String)],
    ['one that is made by a preprocess', z.preprocess((value) => value, z.array(z.string()).max(2))],
    ['one of several types', z.union([z.string(), z.array(z.string()).max(2)])],
    ['one that is named later', z.lazy(() => z.array(z.string()).max(2))],
    ['one of an intersection', z.intersection(z.unknown(), z.array(z.string()).max(2))],
    ['one in a list', z.tuple([z.array(z.string()).max(2)]).or(z.array(z.string()).max(2))],
  ])('finds %s', (_, schema) => {
    expect(parseBounded(schema, listOf(3))).toEqual(tooMany(2));
  });

  it('takes what is within the bounds of one of several lists', () => {
    const schema = z.union([z.array(z.number()).max(1), z.array(z.string()).max(3)]);
    expect(parseBounded(schema, listOf(3))).toMatchObject({ success: true });
    expect(parseBounded(schema, listOf(4))).toMatchObject({ success: false });
  });

  it('knows a schema that holds itself', () => {
    interface Tree {
      children?: Tree[] | undefined;
    }
    const tree: z.ZodType<Tree> = z.lazy(() => z.object({ children: z.array(tree).max(2).optional() }));
    expect(parseBounded(tree, { children: [{ children: [{}, {}] }] })).toMatchObject({ success: true });
    expect(parseBounded(tree, { children: [{ children: [{}, {}, {}] }] })).toEqual(
      tooMany(2, 'children', '0', 'children'),
    );
  });

  it('tells of twenty issues, however many there are', () => {
    const parsed = parseBounded(z.array(z.number()), listOf(500));
    expect(parsed.success ? [] : parsed.issues).toHaveLength(20);
  });
});
