import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { facet } from '../../../records/facets.ts';
import { archiveRecord } from '../../../records/update.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { type Pipeline, pipelineEntity } from '../boards/record.ts';
import { dealEntity } from '../deals/record.ts';

/** @throws AppError not_found, conflict */
export async function archivePipeline(
  ctx: Context,
  author: Author,
  id: ObjectId,
  _moveTo: string | undefined,
): Promise<Pipeline> {
  const open = await dealEntity
    .collection(ctx.db)
    .findOne(
      author.workspaceId,
      { archived: false, facets: facet('openIn', id.toHexString()) },
      { hint: 'filtered_list' },
    );
  if (open) throw new AppError('conflict', { message: 'The pipeline has open deals; move them first' });
  return archiveRecord(ctx, pipelineEntity, author, id);
}
