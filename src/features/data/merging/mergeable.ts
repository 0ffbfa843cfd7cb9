import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import type { DeclaredEntity } from '../../../records/entity/entity.ts';
import type { EntityTypes } from '../../../records/entity/types.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { findLive } from '../../../records/unique.ts';
import { contactEntity } from '../../people/contacts/record.ts';
import { customerEntity } from '../../people/customers/record.ts';
import { leadEntity } from '../../people/leads/record.ts';
import { type Company, companyEntity } from '../../sales/companies/record.ts';
import { isBelow } from '../../sales/companies/tree.ts';

/** A record of which another is to become part, or that becomes part of one. */
export type MergedRecord = RecordDocument & { mergedInto?: string; mergeJobId?: RecordDocument['_id'] };

/** An entity whose records can be merged, and its own rules for that. */
export interface Mergeable {
  entity: DeclaredEntity<EntityTypes & { document: MergedRecord }>;
  /** Fields that a record keeps as they are, also where it has none and the other has. */
  apart?: readonly string[];
  /** Fields of the server's own that go over like those that bodies give. */
  along?: readonly string[];
  /** Shares its turns with other work on these records. */
  lock?: string;
  /** @throws AppError conflict where the two can't become one */
  assertCanMerge?(ctx: Context, kept: MergedRecord, other: MergedRecord): Promise<void>;
}

/** A name is given as a whole or in parts, and the parts of one are not those of another. */
const partsOfNames = ['firstName', 'lastName'] as const;

export const mergeables: readonly Mergeable[] = [
  { entity: of(leadEntity), apart: partsOfNames, along: ['customerId'], assertCanMerge: assertOneCustomer },
  { entity: of(contactEntity), apart: partsOfNames },
  { entity: of(companyEntity), apart: ['parentId'], lock: 'company-tree', assertCanMerge: assertNotBelow },
];

/** Each has the fields of a merge; what its own functions take, its own records are. */
function of(entity: { fields: { mergedInto?: unknown } }): Mergeable['entity'] {
  return entity as unknown as Mergeable['entity'];
}

/** A lead has one customer at most. */
async function assertOneCustomer(ctx: Context, kept: MergedRecord, other: MergedRecord): Promise<void> {
  const customers = await Promise.all(
    [kept, other].map(({ _id, workspaceId }) =>
      findLive(ctx, customerEntity, workspaceId, 'leadId', _id.toHexString()),
    ),
  );
  if (!customers.every((customer) => customer)) return;
  throw new AppError('conflict', { message: 'Both leads are customers; archive one of the customers first' });
}

async function assertNotBelow(ctx: Context, kept: MergedRecord, other: MergedRecord): Promise<void> {
  if (!(await isBelow(ctx, kept as Company, other._id))) return;
  throw new AppError('conflict', { message: 'The company stands below the other one; move it first' });
}
