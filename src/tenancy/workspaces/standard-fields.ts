import type { FieldEntity, FieldType, Workspace } from './model.ts';

/** A field that every workspace has, as schema discovery shows it. */
export interface StandardField {
  fieldKey: string;
  displayName: string;
  type: FieldType;
  required?: boolean;
  /** The values that the workspace has configured; others are taken too. */
  options?: (workspace: Workspace) => string[];
}

/** The one table of standard fields; a test holds it against the schemas of the three entities. */
export const standardFields: Record<FieldEntity, readonly StandardField[]> = {
  lead: [
    { fieldKey: 'name', displayName: 'Name', type: 'text', required: true },
    { fieldKey: 'mobileNumber', displayName: 'Mobile number', type: 'text', required: true },
    { fieldKey: 'email', displayName: 'Email', type: 'text' },
    { fieldKey: 'company', displayName: 'Company', type: 'text' },
    { fieldKey: 'city', displayName: 'City', type: 'text' },
    {
      fieldKey: 'status',
      displayName: 'Status',
      type: 'select',
      options: ({ leadStatuses }) => leadStatuses,
    },
    {
      fieldKey: 'leadStage',
      displayName: 'Lead stage',
      type: 'select',
      options: ({ leadStages }) => leadStages.map(({ stageKey }) => stageKey),
    },
    { fieldKey: 'source', displayName: 'Source', type: 'select', options: ({ sources }) => sources },
    {
      fieldKey: 'priority',
      displayName: 'Priority',
      type: 'select',
      options: () => ['Low', 'Medium', 'High'],
    },
    { fieldKey: 'dealValue', displayName: 'Deal value', type: 'number' },
    { fieldKey: 'tags', displayName: 'Tags', type: 'multiselect', options: ({ tags }) => tags },
    { fieldKey: 'description', displayName: 'Description', type: 'text' },
    { fieldKey: 'assignedTo', displayName: 'Assigned to', type: 'text' },
  ],
  contact: [
    { fieldKey: 'name', displayName: 'Name', type: 'text', required: true },
    { fieldKey: 'mobileNumber', displayName: 'Mobile number', type: 'text', required: true },
    { fieldKey: 'email', displayName: 'Email', type: 'text' },
    { fieldKey: 'phone', displayName: 'Phone', type: 'text' },
    { fieldKey: 'company', displayName: 'Company', type: 'text' },
    { fieldKey: 'source', displayName: 'Source', type: 'select', options: ({ sources }) => sources },
    { fieldKey: 'tags', displayName: 'Tags', type: 'multiselect', options: ({ tags }) => tags },
    { fieldKey: 'assignedTo', displayName: 'Assigned to', type: 'text' },
  ],
  customer: [
    { fieldKey: 'leadId', displayName: 'Lead', type: 'text', required: true },
    { fieldKey: 'name', displayName: 'Name', type: 'text', required: true },
    { fieldKey: 'assignedTo', displayName: 'Assigned to', type: 'multiselect' },
    { fieldKey: 'selectedPropertyId', displayName: 'Property', type: 'text' },
    { fieldKey: 'customPropertyName', displayName: 'Property name', type: 'text' },
    { fieldKey: 'dealDate', displayName: 'Deal date', type: 'date' },
    { fieldKey: 'dealAmount', displayName: 'Deal amount', type: 'number' },
    { fieldKey: 'commissionAmount', displayName: 'Commission', type: 'number' },
    { fieldKey: 'successNotes', displayName: 'Notes', type: 'text' },
  ],
};
