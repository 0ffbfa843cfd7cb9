import type { FastifyRequest } from 'fastify';

/** Where a request may name a workspace, what says most first. */
const names = ['workspace_id', 'workspaceId'] as const;
const headerName = 'x-workspace-id';

/**
 * The workspaces that a request names: in its path, its query or body, a header. The first is the one that it is about;
 * the caller has to belong to each. Before the body is read it names none.
 */
export function namedWorkspaces({ params, query, body, headers }: FastifyRequest): string[] {
  const places = [query, body].filter(isObject);
  const named = [
    (params as Record<string, unknown>).workspaceId,
    ...names.flatMap((name) => places.map((place) => place[name])),
    headers[headerName],
  ];
  return named.flat().flatMap((value) => (isBlank(value) ? [] : [String(value)]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
