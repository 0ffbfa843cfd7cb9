import { Schema } from 'mongoose';
import { globalCollection } from '../../infra/mongo.ts';
import type { ObjectId } from '../../lib/ids.ts';

/** A part of the server that a workspace can switch off; entities and features declare theirs. */
export type Module = string;

export interface LeadStage {
  stageKey: string;
  displayName: string;
  color?: string | undefined;
  position: number;
}

export const fieldTypes = [
  'text',
  'number',
  'boolean',
  'date',
  'select',
  'multiselect',
  'hierarchy',
] as const;
export type FieldType = (typeof fieldTypes)[number];

/** A field that the workspace added to an entity; its values stand in the record's `fields`. */
export interface CustomField {
  /** Its name: "lead". */
  entity: string;
  fieldKey: string;
  displayName: string;
  type: FieldType;
  required: boolean;
  options: string[];
}

/** A tenant: its settings and custom fields. Small, read by every request, and cached in each process. */
export interface Workspace {
  _id: ObjectId;
  name: string;
  timezone: string;
  currency: string;
  defaultCountry: string;
  /** The modules that are on, once some have been switched off. */
  chosenModules?: Module[];
  /** The same, as workspaces from earlier versions have it (see modules.ts). */
  modules?: Module[];
  leadStatuses: string[];
  /** Statuses that leads use besides the configured ones. */
  otherLeadStatuses: string[];
  leadStages: LeadStage[];
  sources: string[];
  /** The names of its tags, which are records of their own. */
  tags: string[];
  propertyTypes: string[];
  isOauthEnforced: boolean;
  customFields: CustomField[];
  createdAt: Date;
  updatedAt: Date;
}

/** As it is stored. */
export type StoredWorkspace = Omit<Workspace, 'tags'> & {
  /** Of earlier versions. */
  tags?: string[];
};

const workspaceSchema = new Schema<StoredWorkspace>({
  name: { type: String, required: true },
  timezone: { type: String, required: true },
  currency: { type: String, required: true },
  defaultCountry: { type: String, required: true },
  chosenModules: { type: [String], default: undefined },
  modules: { type: [String], default: undefined },
  leadStatuses: [String],
  otherLeadStatuses: [String],
  leadStages: [{ _id: false, stageKey: String, displayName: String, color: String, position: Number }],
  sources: [String],
  tags: [String],
  propertyTypes: [String],
  isOauthEnforced: { type: Boolean, required: true },
  customFields: [
    {
      _id: false,
      entity: String,
      fieldKey: String,
      displayName: String,
      type: { type: String, enum: fieldTypes },
      required: Boolean,
      options: [String],
    },
  ],
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
});

export const workspaces = globalCollection<StoredWorkspace>('workspaces', workspaceSchema);
