import type { Workspace } from './model.ts';
import type { SettingsOut } from './schema.ts';

export const presentSettings = (workspace: Workspace): SettingsOut => ({
  workspaceId: workspace._id.toHexString(),
  workspaceName: workspace.name,
  timezone: workspace.timezone,
  currency: workspace.currency,
  defaultCountry: workspace.defaultCountry,
  modules: workspace.modules,
  leadStatuses: workspace.leadStatuses,
  leadStages: workspace.leadStages,
  sources: workspace.sources,
  tags: workspace.tags,
  propertyTypes: workspace.propertyTypes,
});
