import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { actionSuccess, done, envelope, idParams, pageOf, workspaceParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { answerCreated } from '../../../records/api/shape.ts';
import { presentAvailability, presentInventory } from './present.ts';
import { propertyEntity } from './record.ts';
import { availabilityRow, inventoryRow, unitQuery, wholeListQuery } from './schema.ts';
import {
  createProperty,
  listAvailable,
  listInventory,
  listTowers,
  listUnits,
  propertyService,
} from './service.ts';
import { towerOut, unitOut } from './units.ts';

const tags = ['Properties'];
const readable = { access: 'property.read', module: 'properties' } as const;

export const propertyRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, propertyService);

  app.get(
    '/properties/inventory',
    {
      config: readable,
      schema: {
        operationId: 'listPropertyInventory',
        summary: 'How many units each property has and in what state, newest property first',
        tags,
        params: workspaceParams,
        querystring: wholeListQuery,
        response: { 200: pageOf(inventoryRow) },
      },
    },
    async (request) => {
      const { records, nextCursor } = await listInventory(ctx, request.workspace._id, request.query);
      return { success: true as const, data: records.map(presentInventory), nextCursor };
    },
  );

  app.get(
    '/properties/availability',
    {
      config: readable,
      schema: {
        operationId: 'listPropertyAvailability',
        summary: 'Properties that have something to sell, with their available units',
        tags,
        params: workspaceParams,
        querystring: wholeListQuery,
        response: { 200: pageOf(availabilityRow) },
      },
    },
    async (request) => {
      const { records, nextCursor } = await listAvailable(ctx, request.workspace._id, request.query);
      return { success: true as const, data: records.map(presentAvailability), nextCursor };
    },
  );

  app.get(
    '/properties/:propertyId/units',
    {
      config: readable,
      schema: {
        operationId: 'listPropertyUnits',
        summary: "A property's units, in the order in which they were given",
        tags,
        params: idParams('propertyId'),
        querystring: unitQuery,
        response: { 200: envelope(z.array(unitOut)) },
      },
    },
    async (request) => {
      const id = requireId(request.params.propertyId, propertyEntity.label);
      const units = await listUnits(ctx, request.workspace._id, id, request.query);
      return { success: true as const, data: units };
    },
  );

  app.get(
    '/properties/:propertyId/towers',
    {
      config: readable,
      schema: {
        operationId: 'listPropertyTowers',
        summary: "A property's towers, in the order in which they were given",
        tags,
        params: idParams('propertyId'),
        response: { 200: envelope(z.array(towerOut)) },
      },
    },
    async (request) => {
      const id = requireId(request.params.propertyId, propertyEntity.label);
      return { success: true as const, data: await listTowers(ctx, request.workspace._id, id) };
    },
  );

  app.post(
    '/inbound/properties',
    {
      config: { access: 'property.write', module: 'properties', idempotent: true },
      schema: {
        operationId: 'captureInboundProperty',
        summary: 'Take in a property from a form or portal',
        tags,
        params: workspaceParams,
        body: propertyEntity.schemas.input,
        response: { 201: actionSuccess },
      },
    },
    async (request, reply) => {
      const { actor, workspace, idempotency } = request;
      const created = await createProperty(ctx, { actor, workspace }, request.body, idempotency);
      answerCreated(reply, created.isReplay);
      return done('Property captured successfully');
    },
  );
};
