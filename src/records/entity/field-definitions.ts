import type { CustomField, Workspace } from '../../tenancy/workspaces/model.ts';
import type { FieldDefinition } from '../../tenancy/workspaces/schema.ts';
import { type Field, type Fields, isGivenAtFirst } from './field.ts';

/** Everything that a create can give, the workspace's own fields included, for schema discovery. */
export const fieldDefinitionsOf =
  (name: string, fields: Fields) =>
  (workspace: Workspace): FieldDefinition[] => {
    const standard = Object.entries(fields)
      .filter(([key, field]) => key !== 'fields' && isGivenAtFirst(field))
      .map(([key, field]) => standardField(workspace, key, field));
    const custom = workspace.customFields.filter(({ entity }) => entity === name).map(customField);
    return [...standard, ...custom];
  };

const standardField = (workspace: Workspace, key: string, field: Field): FieldDefinition => ({
  fieldKey: key,
  displayName: field.options.title ?? spelledOut(key),
  type: field.type,
  required: field.options.required !== undefined,
  isCustom: false,
  options: field.choices && [...field.choices(workspace)],
});

const customField = ({ fieldKey, displayName, type, required, options }: CustomField): FieldDefinition => ({
  fieldKey,
  displayName,
  type,
  required,
  isCustom: true,
  options: options.length > 0 ? options : undefined,
});

/** "mobileNumber" → "Mobile number". */
const spelledOut = (key: string): string =>
  key.charAt(0).toUpperCase() + key.slice(1).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
