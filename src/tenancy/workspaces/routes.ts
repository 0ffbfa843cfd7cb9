import { z } from 'zod';
import type { Routes } from '../../http.ts';
import { envelope, workspaceParams } from '../../lib/schemas.ts';
import { entitiesWithFields } from './custom-fields.ts';
import type { Workspace } from './model.ts';
import { presentSettings } from './present.ts';
import { fieldDefinition, leadStageOut, workspaceOut } from './schema.ts';

const config = { access: 'metadata.read' } as const;
const tags = ['Sync & Metadata'];

/** A list of the workspace that clients look values up in. */
interface Lookup {
  operationId: string;
  summary: string;
  item: z.ZodType;
  list(workspace: Workspace): unknown[];
}

const lookups: Record<string, Lookup> = {
  'lead-statuses': {
    operationId: 'getLeadStatuses',
    summary: 'List the statuses of leads',
    item: z.string(),
    list: ({ leadStatuses }) => leadStatuses,
  },
  'lead-stages': {
    operationId: 'getLeadStages',
    summary: 'List the stages of leads, in their order',
    item: leadStageOut,
    list: ({ leadStages }) => leadStages,
  },
  sources: {
    operationId: 'getSources',
    summary: 'List the sources of leads, those in use included',
    item: z.string(),
    list: ({ sources }) => sources,
  },
  tags: {
    operationId: 'getTags',
    summary: 'List the tags, those in use included',
    item: z.string(),
    list: (workspace) => workspace.tags,
  },
  'property-types': {
    operationId: 'getPropertyTypes',
    summary: 'List the types of properties',
    item: z.string(),
    list: ({ propertyTypes }) => propertyTypes,
  },
};

/** What a client learns about the workspace; all of it comes with the workspace that every request loads. */
export const workspaceRoutes: Routes = async (app, { ctx }) => {
  const entities = entitiesWithFields(ctx);
  app.get(
    '',
    {
      config,
      schema: {
        operationId: 'getWorkspace',
        summary: 'Get the workspace',
        tags: ['Workspace'],
        params: workspaceParams,
        response: { 200: envelope(workspaceOut) },
      },
    },
    async ({ workspace }) => ({ success: true as const, data: presentSettings(ctx, workspace) }),
  );

  const nouns = entities.map(({ names }) => names[1].toLowerCase());
  app.get(
    '/schema',
    {
      config,
      schema: {
        operationId: 'getSchema',
        summary: `Standard and custom fields of ${new Intl.ListFormat('en-GB').format(nouns)}`,
        tags,
        params: workspaceParams,
        response: {
          200: envelope(
            z.object(
              Object.fromEntries(entities.map(({ name }) => [`${name}Fields`, z.array(fieldDefinition)])),
            ),
          ),
        },
      },
    },
    async ({ workspace }) => ({
      success: true as const,
      data: Object.fromEntries(
        entities.map(({ name, fieldDefinitions }) => [`${name}Fields`, fieldDefinitions(workspace)]),
      ),
    }),
  );

  for (const [name, { operationId, summary, item, list }] of Object.entries(lookups)) {
    app.get(
      `/metadata/${name}`,
      {
        config,
        schema: {
          operationId,
          summary,
          tags,
          params: workspaceParams,
          response: { 200: envelope(z.array(item)) },
        },
      },
      async ({ workspace }) => ({ success: true as const, data: list(workspace) }),
    );
  }
};
