import { z } from 'zod';
import type { Routes } from '../../http.ts';
import { withoutUndefined } from '../../lib/clean.ts';
import { envelope, workspaceParams } from '../../lib/schemas.ts';
import { entitiesWithFields } from './custom-fields.ts';
import { presentSettings } from './present.ts';
import {
  customFieldOut,
  customFieldSchemas,
  type SettingsInput,
  settingsInputOf,
  settingsOut,
} from './schema.ts';
import { createCustomField, updateCustomField, updateWorkspace, type WorkspaceSettings } from './service.ts';

const tags = ['Workspace'];

/** What a workspace's people set up by session: settings and custom fields. */
export const workspaceSettingsRoutes: Routes = async (app, { ctx }) => {
  const customField = customFieldSchemas(entitiesWithFields(ctx).map(({ name }) => name));

  app.get(
    '/api/workspaces/:workspaceId/settings',
    {
      config: { access: 'metadata.read' },
      schema: {
        operationId: 'getWorkspaceSettings',
        summary: "Get the workspace's settings",
        tags,
        params: workspaceParams,
        response: { 200: envelope(settingsOut) },
      },
    },
    async ({ workspace }) => ({ success: true as const, data: presentSettings(ctx, workspace) }),
  );

  app.put(
    '/api/workspaces/:workspaceId/settings',
    {
      config: { access: 'setting.manage' },
      schema: {
        operationId: 'updateWorkspaceSettings',
        summary: "Change the workspace's settings: given ones change, the others stay",
        tags,
        params: workspaceParams,
        body: settingsInputOf(ctx.modules),
        response: { 200: envelope(settingsOut) },
      },
    },
    async ({ workspace, body }) => {
      const changed = await updateWorkspace(ctx, workspace._id, toSettings(body));
      return { success: true as const, data: presentSettings(ctx, changed) };
    },
  );

  app.get(
    '/api/workspaces/:workspaceId/fields',
    {
      config: { access: 'metadata.read' },
      schema: {
        operationId: 'listCustomFields',
        summary: 'List custom fields',
        tags,
        params: workspaceParams,
        querystring: customField.query,
        response: { 200: envelope(z.array(customFieldOut)) },
      },
    },
    async ({ workspace, query: { entity } }) => {
      const fields = workspace.customFields.filter((field) => !entity || field.entity === entity);
      return { success: true as const, data: fields };
    },
  );

  app.post(
    '/api/workspaces/:workspaceId/fields',
    {
      config: { access: 'setting.manage' },
      schema: {
        operationId: 'createCustomField',
        summary: 'Add a custom field to the records of an entity',
        tags,
        params: workspaceParams,
        body: customField.input,
        response: { 201: envelope(customFieldOut) },
      },
    },
    async ({ workspace, body }, reply) => {
      const field = await createCustomField(ctx, workspace._id, { ...body, options: body.options ?? [] });
      reply.code(201);
      return { success: true as const, data: field };
    },
  );

  app.put(
    '/api/workspaces/:workspaceId/fields',
    {
      config: { access: 'setting.manage' },
      schema: {
        operationId: 'updateCustomField',
        summary: 'Change the custom field with this entity and fieldKey',
        tags,
        params: workspaceParams,
        body: customField.update,
        response: { 200: envelope(customFieldOut) },
      },
    },
    async ({ workspace, body: { entity, fieldKey, ...changes } }) => {
      const field = await updateCustomField(ctx, workspace._id, { entity, fieldKey }, changes);
      return { success: true as const, data: field };
    },
  );
};

/** Stages are kept in the order in which a lead passes them. */
function toSettings({ workspaceName, leadStages, ...others }: SettingsInput): Partial<WorkspaceSettings> {
  const stages = leadStages
    ?.map((stage, index) => ({ ...stage, position: stage.position ?? index + 1 }))
    .sort((a, b) => a.position - b.position);
  return withoutUndefined({ ...others, name: workspaceName, leadStages: stages });
}
