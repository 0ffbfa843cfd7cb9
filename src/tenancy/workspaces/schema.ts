import { z } from 'zod';
import { isStorableName } from '../../lib/json-value.ts';
import { isCountry } from '../../lib/phone.ts';
import { currencyCode, shortText } from '../../lib/schemas.ts';
import { isTimeZone } from '../../lib/time-zone.ts';
import { fieldTypes, type Module } from './model.ts';

/** What a workspace can choose from; every request reads the workspace, so its lists stay short. */
const itemsMax = 200;
/** Tags and sources also grow with what records use. */
const discoveredMax = 2_000;

/** And what is in them: many lists of long names would be as heavy as longer lists. */
const charactersMax = 16_000;
const discoveredCharactersMax = 64_000;

const item = z.string().trim().min(1).max(100);
const unique = <T>(items: T[]): T[] => [...new Set(items)];
const within = (max: number) =>
  [
    (items: unknown[]) => JSON.stringify(items).length <= max,
    `Must have at most ${max} characters altogether`,
  ] as const;
const listOf = (max: number, characters = charactersMax) =>
  z
    .array(item)
    .max(max)
    .refine(...within(characters))
    .transform(unique);

const leadStage = z.object({
  stageKey: item,
  displayName: item,
  color: z.string().trim().min(1).max(32).optional(),
  position: z.int().min(0).max(10_000).optional().describe("Left out: the stage's place in the list"),
});

/** @param modules that workspaces can switch off */
export const settingsInputOf = (modules: readonly Module[]) =>
  z
    .object({
      workspaceName: shortText,
      timezone: z.string().refine(isTimeZone, 'Must be an IANA time zone such as Asia/Kolkata'),
      currency: currencyCode,
      defaultCountry: z
        .string()
        .trim()
        .toUpperCase()
        .refine(isCountry, 'Must be an ISO 3166 code such as IN')
        .describe('Phone numbers without a country prefix are read as of this country'),
      modules: z.array(z.enum(modules)).max(100).transform(unique),
      leadStatuses: z
        .array(item)
        .min(1)
        .max(itemsMax)
        .refine(...within(charactersMax))
        .transform(unique)
        .describe('The first is the status of a new lead'),
      leadStages: z
        .array(leadStage)
        .min(1)
        .max(itemsMax)
        .refine(...within(charactersMax))
        .refine((stages) => new Set(stages.map(({ stageKey }) => stageKey)).size === stages.length, {
          message: 'Each stageKey must be given once',
        })
        .describe('The first is the stage of a new lead'),
      sources: listOf(discoveredMax, discoveredCharactersMax),
      tags: listOf(discoveredMax, discoveredCharactersMax),
      propertyTypes: listOf(itemsMax),
    })
    .partial()
    .meta({ id: 'WorkspaceSettingsInput' });

export const leadStageOut = z.object({
  stageKey: z.string(),
  displayName: z.string(),
  color: z.string().optional(),
  position: z.int(),
});

export const settingsOut = z
  .object({
    workspaceId: z.string(),
    workspaceName: z.string(),
    timezone: z.string(),
    currency: z.string(),
    defaultCountry: z.string(),
    modules: z.array(z.string()),
    leadStatuses: z.array(z.string()),
    leadStages: z.array(leadStageOut),
    sources: z.array(z.string()),
    tags: z.array(z.string()),
    propertyTypes: z.array(z.string()),
  })
  .meta({ id: 'WorkspaceSettings' });

export const workspaceOut = settingsOut
  .pick({ workspaceId: true, workspaceName: true, timezone: true, currency: true, modules: true })
  .meta({ id: 'Workspace' });

/** A key names a place in a record, so it can't hold what the database reads as a path or an operator. */
const fieldKey = z
  .string()
  .regex(/^[A-Za-z0-9_]{1,64}$/, 'Must have 1 to 64 letters, digits or _')
  .refine(isStorableName, 'Is reserved');

const fieldOptions = listOf(itemsMax);

/** Bodies and query of the routes for custom fields. @param entities names of those that take them */
export const customFieldSchemas = (entities: string[]) => ({
  input: z
    .object({
      entity: z.enum(entities),
      fieldKey,
      displayName: item,
      type: z.enum(fieldTypes),
      required: z.boolean().default(false),
      options: fieldOptions.optional().describe('Values of a select or multiselect; none: any'),
    })
    .meta({ id: 'CustomFieldInput' }),
  update: z
    .object({
      entity: z.enum(entities),
      fieldKey,
      displayName: item.optional(),
      type: z.enum(fieldTypes).optional().describe('Cannot change: records have values of it'),
      required: z.boolean().optional(),
      options: fieldOptions.optional(),
    })
    .meta({ id: 'CustomFieldUpdate' }),
  query: z.object({ entity: z.enum(entities).optional() }),
});

export const customFieldOut = z
  .object({
    entity: z.string(),
    fieldKey: z.string(),
    displayName: z.string(),
    type: z.string(),
    required: z.boolean(),
    options: z.array(z.string()),
  })
  .meta({ id: 'CustomField' });

export const fieldDefinition = z
  .object({
    fieldKey: z.string(),
    displayName: z.string(),
    type: z.string(),
    required: z.boolean(),
    isCustom: z.boolean().describe("Custom fields stand in a record's `fields`"),
    options: z.array(z.string()).optional(),
  })
  .meta({ id: 'FieldDefinition' });

export type SettingsInput = z.output<ReturnType<typeof settingsInputOf>>;
export type SettingsOut = z.output<typeof settingsOut>;
export type FieldDefinition = z.output<typeof fieldDefinition>;
