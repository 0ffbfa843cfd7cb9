import type { Context } from '../../context.ts';
import type { Workspace } from './model.ts';
import { modulesOf } from './modules.ts';
import type { SettingsOut } from './schema.ts';

export const presentSettings = (ctx: Context, workspace: Workspace): SettingsOut => ({
  workspaceId: workspace._id.toHexString(),
  workspaceName: workspace.name,
  timezone: workspace.timezone,
  currency: workspace.currency,
  defaultCountry: workspace.defaultCountry,
  modules: modulesOf(ctx, workspace),
  leadStatuses: workspace.leadStatuses,
  leadStages: workspace.leadStages,
  sources: workspace.sources,
  tags: workspace.tags,
  propertyTypes: workspace.propertyTypes,
});
