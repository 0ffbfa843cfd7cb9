import type { Context } from '../../../context.ts';
import { isDocumentTooLarge } from '../../../infra/mongo-errors.ts';
import { AppError } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { recordService } from '../../../records/api/service.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { convertLead } from '../leads/service.ts';
import { customerEntity } from './record.ts';

export const customerService = recordService(customerEntity, {
  async afterCreate(ctx, author, { _id, leadId }) {
    try {
      await convertLeadOf(ctx, author, _id);
    } catch (error) {
      const isRefused = error instanceof AppError && error.status < 500;
      if (!isRefused && !isDocumentTooLarge(error)) throw error;
      // The customer is there, whatever its lead has no room for; its event is parked, for a person to see.
      ctx.log.warn({ err: error, leadId }, 'lead can not be converted');
    }
  },
});

export const { create: createCustomer } = customerService;

/**
 * Makes the customer's lead converted; doing so again changes nothing. The process may die between the customer's
 * insert and this: the customer then still owes its `customer.created`, by which the sweep comes here (see
 * conversion.ts). A customer that was archived meanwhile converts nothing, as its lead may belong to another by now.
 */
export async function convertLeadOf(ctx: Context, author: Author, customerId: ObjectId): Promise<void> {
  const customer = await customerService.find(ctx, author.workspaceId, customerId);
  if (!customer || customer.archived) return;
  await convertLead(ctx, author, new ObjectId(customer.leadId), customerId);
}
