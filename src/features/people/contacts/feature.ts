import type { Feature } from '../../../feature.ts';
import { contactEntity } from './record.ts';
import { contactRoutes } from './routes.ts';
import { sampleContacts } from './samples.ts';

export const feature: Feature = {
  name: 'contacts',
  tags: [{ name: 'Contacts', description: 'The address book' }],
  entities: [contactEntity],
  workspaceRoutes: [contactRoutes],
  samples: sampleContacts,
};
