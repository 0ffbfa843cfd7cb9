import type { FastifyInstance } from 'fastify';
import type { Context } from '../../context.ts';
import type { Routes } from '../../http.ts';
import { entityNamed } from '../entity/names.ts';
import type { EntityTypes } from '../entity/types.ts';
import { registerBulk } from './bulk-route.ts';
import { registerGet, registerList, registerRecent, registerSync } from './read-routes.ts';
import { registerSearch } from './search-route.ts';
import type { RecordService } from './service.ts';
import { shapeOf } from './shape.ts';
import { registerArchive, registerCreate, registerUpdates } from './write-routes.ts';

/** The routes of an entity that has no others. */
export const recordRoutes =
  <X extends EntityTypes>(service: RecordService<X>): Routes =>
  async (app, { ctx }) =>
    registerRecordRoutes(app, ctx, service);

/**
 * Registers list, search, create, get, put, patch, archive, sync, recent and bulk of an entity.
 * @throws Error when one of its fields refers to an entity that there is not
 */
export function registerRecordRoutes<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  service: RecordService<X>,
): void {
  for (const { refersTo } of Object.values(service.entity.fields)) {
    if (refersTo) entityNamed(refersTo);
  }
  const shape = shapeOf(service);
  registerList(app, ctx, shape);
  registerSearch(app, ctx, shape);
  registerCreate(app, ctx, shape);
  registerSync(app, ctx, shape);
  registerRecent(app, ctx, shape);
  registerGet(app, ctx, shape);
  registerUpdates(app, ctx, shape);
  registerArchive(app, ctx, shape);
  registerBulk(app, ctx, shape);
}
