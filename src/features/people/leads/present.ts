import { amountOf } from '../../../lib/money.ts';
import type { Lead } from './model.ts';
import type { LeadOut } from './schema.ts';

/** What leaves the server as a lead: in answers, in events, and as what adapters translate. */
export function presentLead(lead: Lead): LeadOut {
  return {
    _id: lead._id.toHexString(),
    workspaceId: lead.workspaceId.toHexString(),
    name: lead.name,
    mobileNumber: lead.mobileNumber,
    email: lead.email,
    company: lead.company,
    city: lead.city,
    status: lead.status,
    leadStage: lead.leadStage,
    source: lead.source,
    priority: lead.priority,
    dealValue: amountOf(lead.dealValue),
    tags: lead.tags,
    description: lead.description,
    assignedTo: lead.assignedTo,
    fields: lead.fields,
    customerId: lead.customerId,
    archivedAt: lead.archivedAt?.toISOString(),
    createdAt: lead.createdAt.toISOString(),
    updatedAt: lead.updatedAt.toISOString(),
  };
}
