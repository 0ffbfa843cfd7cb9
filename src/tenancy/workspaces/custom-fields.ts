import type { Context } from '../../context.ts';
import type { ErrorDetails } from '../../lib/errors.ts';
import { AppError } from '../../lib/errors.ts';
import type { CustomField, FieldType, Workspace } from './model.ts';

/** The entities to which workspaces can add fields. */
export const entitiesWithFields = ({ features }: Context) =>
  features
    .flatMap(({ entities = [] }) => entities)
    .flatMap(({ fieldDefinitions, ...entity }) =>
      fieldDefinitions ? [{ ...entity, fieldDefinitions }] : [],
    );

type Values = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === 'string';

const checks: Record<FieldType, (value: unknown, field: CustomField) => boolean> = {
  text: isText,
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  date: (value) => isText(value) && /^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(Date.parse(value)),
  select: (value, field) => isText(value) && isOption(value, field),
  multiselect: (value, field) =>
    Array.isArray(value) && value.every((item) => isText(item) && isOption(item, field)),
  hierarchy: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** Of a record with hundreds of wrong values the first are enough to mend it. */
const failuresToldMax = 20;

const isOption = (value: string, field: CustomField): boolean =>
  field.options.length === 0 || field.options.includes(value);

/**
 * Holds values against the workspace's custom fields: wrong types and, for a new record, missing required ones.
 * Keys that the workspace has not defined are kept as they are, as the document's additionalProperties allow.
 * @param mode `create` demands required fields; `change` only refuses to clear them
 * @throws AppError invalid with the failing fields, twenty of them at most
 */
export function assertCustomFields(
  workspace: Workspace,
  entity: string,
  values: Values | undefined,
  mode: 'create' | 'change',
): void {
  const details = customFieldErrors(workspace, entity, values, mode);
  if (details) throw new AppError('invalid', { details });
}

/** The same as a result, for bulk rows. */
export function customFieldErrors(
  workspace: Workspace,
  entity: string,
  values: Values = {},
  mode: 'create' | 'change',
): ErrorDetails | undefined {
  const details: ErrorDetails = {};
  let failing = 0;
  for (const field of workspace.customFields) {
    if (field.entity !== entity) continue;
    if (failing === failuresToldMax) break;
    const value = Object.hasOwn(values, field.fieldKey) ? values[field.fieldKey] : undefined;
    const isCleared = value === null || value === '';
    const isMissing = isCleared || (value === undefined && mode === 'create');
    if (field.required && isMissing) details[`fields.${field.fieldKey}`] = ['Required'];
    else if (value !== undefined && !isCleared && !checks[field.type](value, field)) {
      details[`fields.${field.fieldKey}`] = [`Must be a ${field.type}${describeOptions(field)}`];
    } else continue;
    failing += 1;
  }
  return failing > 0 ? details : undefined;
}

/** A message names the first of many. */
const optionsToldMax = 10;

function describeOptions({ options }: CustomField): string {
  if (options.length === 0) return '';
  const others = options.length - optionsToldMax;
  return ` of: ${options.slice(0, optionsToldMax).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}
