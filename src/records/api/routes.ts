import type { FastifyInstance } from 'fastify';
import type { Context } from '../../context.ts';
import type { RecordDocument } from '../record.ts';
import { registerBulk } from './bulk-route.ts';
import { registerGet, registerList, registerRecent, registerSync } from './read-routes.ts';
import { type RecordRoutes, shapeOf } from './shape.ts';
import { registerArchive, registerCreate, registerUpdates } from './write-routes.ts';

/** Registers list, create, get, put, patch, archive, sync, recent and bulk of an entity. */
export function registerRecordRoutes<T extends RecordDocument>(
  app: FastifyInstance,
  ctx: Context,
  routes: RecordRoutes<T>,
): void {
  const shape = shapeOf(routes);
  registerList(app, ctx, shape);
  registerCreate(app, ctx, shape);
  registerSync(app, ctx, shape);
  registerRecent(app, ctx, shape);
  registerGet(app, ctx, shape);
  registerUpdates(app, ctx, shape);
  registerArchive(app, ctx, shape);
  registerBulk(app, ctx, shape);
}
