import type { Contact } from './model.ts';
import type { ContactOut } from './schema.ts';

/** What leaves the server as a contact: in answers, in events, and as what adapters translate. */
export function presentContact(contact: Contact): ContactOut {
  return {
    _id: contact._id.toHexString(),
    workspaceId: contact.workspaceId.toHexString(),
    name: contact.name,
    mobileNumber: contact.mobileNumber,
    email: contact.email,
    phone: contact.phone,
    company: contact.company,
    source: contact.source,
    tags: contact.tags,
    assignedTo: contact.assignedTo,
    fields: contact.fields,
    archivedAt: contact.archivedAt?.toISOString(),
    createdAt: contact.createdAt.toISOString(),
    updatedAt: contact.updatedAt.toISOString(),
  };
}
