import { Schema } from 'mongoose';

/** The fields that the store keeps on every record, for the entities' Mongoose schemas. */
export const recordFields = {
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
  version: { type: Number, required: true },
  archived: { type: Boolean, required: true },
  archivedAt: Date,
  facets: [String],
  sortKeys: { type: Schema.Types.Mixed },
  tally: Schema.Types.Mixed,
  storedAt: Schema.Types.Mixed,
  idempotency: { type: Schema.Types.Mixed },
  owed: { type: [Schema.Types.Mixed], default: undefined },
  owedSince: Date,
} as const;
