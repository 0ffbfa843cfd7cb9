/** Documents as the server stores them, made with nothing but what these inputs need. */
import mongoose from 'mongoose';

export const { ObjectId } = mongoose.mongo;

const words = (text) => text.toLowerCase().split(' ');

export function facetsOf(lead) {
  const digits = lead.mobileNumber.slice(1);
  const address = lead.email.toLowerCase();
  return [
    ...words(lead.name).map((word) => `name=${word}`),
    `mobileNumber=${digits}`,
    `mobileNumber=${digits.slice(-10)}`,
    `email=${address}`,
    ...address.split(/[@.]/).map((part) => `email=${part}`),
    `status=${lead.status}`,
    `leadStage=new`,
    `source=${lead.source}`,
    `priority=medium`,
    ...lead.tags.map((tag) => `tags=${tag}`),
    ...Object.entries(lead.fields).map(([name, value]) => `fields.${name}=${value}`),
  ];
}

export function leadDocument(workspaceId, lead) {
  const now = new Date();
  const [firstName, lastName] = lead.name.split(' ');
  return {
    _id: new ObjectId(),
    workspaceId,
    ...lead,
    mobileE164: lead.mobileNumber,
    emailDomain: lead.email.slice(lead.email.indexOf('@') + 1),
    firstName,
    lastName,
    priority: 'Medium',
    leadStage: 'new',
    archived: false,
    createdAt: now,
    updatedAt: now,
    version: 1,
    facets: facetsOf(lead),
  };
}

export const presentLead = (lead) => ({
  _id: lead._id.toHexString(),
  workspaceId: lead.workspaceId.toHexString(),
  name: lead.name,
  mobileNumber: lead.mobileNumber,
  email: lead.email,
  emailDomain: lead.emailDomain,
  firstName: lead.firstName,
  lastName: lead.lastName,
  company: lead.company,
  city: lead.city,
  status: lead.status,
  leadStage: lead.leadStage,
  source: lead.source,
  priority: lead.priority,
  tags: lead.tags,
  fields: lead.fields,
  createdAt: lead.createdAt.toISOString(),
  updatedAt: lead.updatedAt.toISOString(),
});
