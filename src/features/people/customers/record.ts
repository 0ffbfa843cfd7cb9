import type { z } from 'zod';
import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import {
  checkedPhone,
  customFields,
  dateTime,
  email,
  longText,
  members,
  money,
  phone,
  reference,
  text,
} from '../../../records/entity/kinds.ts';

const taken = 'The lead is a customer already';

/** A lead that bought. */
export const customerEntity = entity({
  name: 'customer',
  path: '/customers',
  bulk: true,
  fields: {
    // Archiving a customer that was made by mistake lets its lead be converted again.
    leadId: reference('lead', {
      required: true,
      given: 'once',
      live: true,
      title: 'Lead',
      describe: 'A lead of this workspace; it becomes converted',
      filter: true,
      unique: { index: 'unique_lead', message: taken, reason: taken },
    }),
    name: text({ required: true, search: true }),
    email: email({ given: 'later', search: true }),
    phone: phone({ given: 'later', search: true }),
    mobileNumber: checkedPhone({ given: 'later', search: true }),
    assignedTo: members({ filter: true }),
    selectedPropertyId: reference('property', {
      title: 'Property',
      describe: 'Id of a property of this workspace',
      filter: true,
    }),
    customPropertyName: text({
      title: 'Property name',
      describe: 'Of a property that is not in the inventory',
    }),
    dealDate: dateTime(),
    dealAmount: money({ describe: "In the workspace's currency" }),
    commissionAmount: money({ title: 'Commission' }),
    successNotes: longText({ title: 'Notes' }),
    fields: customFields(),
  },
  refine: { replace: withLeadOrNumber },
});

export type Customer = DocumentOf<typeof customerEntity>;

/**
 * The document lets PUT take a contact's body; a customer's own body is what one would expect. Both work, each with what
 * it requires: the name, and the mobile number of the one or the lead of the other.
 */
function withLeadOrNumber(schema: z.ZodObject): z.ZodType {
  return schema
    .superRefine(({ leadId, mobileNumber }, context) => {
      if (leadId !== undefined || mobileNumber !== undefined) return;
      const message = 'Required, unless leadId is given';
      context.addIssue({ code: 'custom', path: ['mobileNumber'], message });
    })
    .meta({ anyOf: [{ required: ['mobileNumber'] }, { required: ['leadId'] }] });
}
