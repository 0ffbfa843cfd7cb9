import { parseId } from './ids.ts';

interface Versioned {
  _id: string;
  updatedAt: string;
}

/** The document's weak entity tag: W/"<updatedAt>-<id>". */
export const etagOf = (record: Versioned): string => `W/"${record.updatedAt}-${record._id}"`;

/** Whether an If-None-Match value (one tag, a list, or *) names this tag; weak comparison as RFC 9110 asks. */
export function matchesEtag(header: string, etag: string): boolean {
  if (header === etag) return true;
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  return header.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag));
}

/** What an If-Match header allows: any existing version (`*`), or the versions of this record that it lists. */
export type IfMatch = { any: true } | { any: false; tags: { id: string; updatedAt: Date }[] };

export function parseIfMatch(header: string): IfMatch {
  const tags: { id: string; updatedAt: Date }[] = [];
  for (const tag of header.split(',')) {
    if (tag.trim() === '*') return { any: true };
    const [, time = '', id = ''] = /^(?:W\/)?"(.+)-([0-9a-f]{24})"$/i.exec(tag.trim()) ?? [];
    const updatedAt = new Date(time);
    if (parseId(id) && !Number.isNaN(updatedAt.getTime())) tags.push({ id: id.toLowerCase(), updatedAt });
  }
  return { any: false, tags };
}
