import { facet } from '../../../records/facets.ts';
import type { ReferenceHolder } from '../../../records/references.ts';
import { type Company, companyEntity } from './record.ts';
import { moveBelow } from './service.ts';

/** The companies below one that is merged into another: they have to fit in where they go. */
export const companiesBelow: ReferenceHolder = {
  name: 'company.parentId',
  entity: companyEntity as unknown as ReferenceHolder['entity'],
  facet: ({ type, id }) => (type === companyEntity.name ? facet('parentId', id.toHexString()) : undefined),
  repoint: (ctx, author, record, { id }, to) =>
    moveBelow(ctx, author, record as Company, id.toHexString(), to.toHexString()),
};
