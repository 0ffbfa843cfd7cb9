import type { FieldEntity, Workspace } from './model.ts';
import type { FieldDefinition, SettingsOut } from './schema.ts';
import { standardFields } from './standard-fields.ts';

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

/** Standard and custom fields of an entity, for schema discovery. */
export function presentFields(workspace: Workspace, entity: FieldEntity): FieldDefinition[] {
  const standard = standardFields[entity].map(
    ({ fieldKey, displayName, type, required = false, options }) => ({
      fieldKey,
      displayName,
      type,
      required,
      isCustom: false,
      options: options?.(workspace),
    }),
  );
  const custom = workspace.customFields
    .filter((field) => field.entity === entity)
    .map(({ fieldKey, displayName, type, required, options }) => ({
      fieldKey,
      displayName,
      type,
      required,
      isCustom: true,
      options: options.length > 0 ? options : undefined,
    }));
  return [...standard, ...custom];
}
