import { amountOf } from '../../../lib/money.ts';
import type { Customer } from './model.ts';
import type { CustomerOut } from './schema.ts';

/** What leaves the server as a customer: in answers, in events, and as what adapters translate. */
export function presentCustomer(customer: Customer): CustomerOut {
  return {
    _id: customer._id.toHexString(),
    workspaceId: customer.workspaceId.toHexString(),
    leadId: customer.leadId,
    name: customer.name,
    email: customer.email,
    phone: customer.phone,
    mobileNumber: customer.mobileNumber,
    assignedTo: customer.assignedTo,
    selectedPropertyId: customer.selectedPropertyId,
    customPropertyName: customer.customPropertyName,
    dealDate: customer.dealDate?.toISOString(),
    dealAmount: amountOf(customer.dealAmount),
    commissionAmount: amountOf(customer.commissionAmount),
    successNotes: customer.successNotes,
    fields: customer.fields,
    archivedAt: customer.archivedAt?.toISOString(),
    createdAt: customer.createdAt.toISOString(),
    updatedAt: customer.updatedAt.toISOString(),
  };
}
