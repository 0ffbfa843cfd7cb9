import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { Money } from '../../../lib/money.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

export const unitStatuses = ['available', 'reserved', 'sold'] as const;
export type UnitStatus = (typeof unitStatuses)[number];

/** Towers and units carry whatever else the client gave them. */
export interface Tower {
  towerId: string;
  name?: string;
  [name: string]: unknown;
}

export interface Unit {
  unitId: string;
  unitNumber?: string | number;
  /** Id or name of its tower. */
  tower?: string;
  status: UnitStatus;
  price?: number;
  [name: string]: unknown;
}

/** What the inventory tells of the units; it changes with them, so that nothing has to read thousands to count them. */
export interface UnitSummary extends Record<UnitStatus, number> {
  total: number;
  priceMin?: number;
  priceMax?: number;
}

export interface Property extends RecordDocument {
  title: string;
  price: Money;
  propertyType: string;
  salesType: string[];
  subtype: string;
  city: string;
  state: string;
  country: string;
  area: string;
  /** User id of a team member. */
  assignedTo?: string;
  towers?: Tower[];
  units?: Unit[];
  /** Stands exactly while there are units. */
  unitSummary?: UnitSummary;
  /** Whether there is anything to sell (see availability.ts). */
  isAvailable: boolean;
  /** Root fields of the client's own, apart from ours so that neither can be taken for the other. */
  extra?: Record<string, unknown>;
}

const propertySchema = new Schema<Property>({
  ...recordFields,
  title: { type: String, required: true },
  price: { _id: false, type: { amount: String, currency: String }, required: true },
  propertyType: { type: String, required: true },
  salesType: { type: [String], required: true },
  subtype: { type: String, required: true },
  city: { type: String, required: true },
  state: { type: String, required: true },
  country: { type: String, required: true },
  area: { type: String, required: true },
  assignedTo: String,
  towers: { type: [Schema.Types.Mixed], default: undefined },
  units: { type: [Schema.Types.Mixed], default: undefined },
  unitSummary: Schema.Types.Mixed,
  isAvailable: { type: Boolean, required: true },
  extra: Schema.Types.Mixed,
});
declareRecordIndexes(propertySchema);

export const properties = tenantCollection<Property>('properties', propertySchema);
