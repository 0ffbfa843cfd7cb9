import { ObjectId } from '../../../lib/ids.ts';
import { facet } from '../../../records/facets.ts';
import { type ReferenceHolder, repointing } from '../../../records/references.ts';
import { updateRecord } from '../../../records/update.ts';
import { type Activity, activityEntity, threadOf } from './record.ts';

/** The activities of a lead that is merged into another. */
export const activitiesOfLeads: ReferenceHolder = {
  name: 'activity.leadId',
  entity: activityEntity as unknown as ReferenceHolder['entity'],
  facet: ({ type, id }) => (type === 'lead' ? facet('leadId', id.toHexString()) : undefined),
  repoint: (ctx, author, record, { id }, to) =>
    updateRecord<Activity>(
      ctx,
      activityEntity,
      author,
      record._id,
      (current) =>
        current.leadId?.equals(id)
          ? {
              set: {
                leadId: new ObjectId(to),
                thread: threadOf(to, current.type),
                recordType: 'lead',
                recordId: new ObjectId(to).toHexString(),
              },
            }
          : undefined,
      { ...repointing, known: record },
    ),
};

/** The same of any other record. */
export const activitiesAbout: ReferenceHolder = {
  ...activitiesOfLeads,
  name: 'activity.recordId',
  facet: ({ type, id }) => (type === 'lead' ? undefined : facet('recordId', id.toHexString())),
  repoint: (ctx, author, record, { id }, to) =>
    updateRecord<Activity>(
      ctx,
      activityEntity,
      author,
      record._id,
      ({ recordId }) =>
        recordId === id.toHexString() ? { set: { recordId: new ObjectId(to).toHexString() } } : undefined,
      { ...repointing, known: record },
    ),
};
