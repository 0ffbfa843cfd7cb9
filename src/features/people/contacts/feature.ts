import type { Feature } from '../../../feature.ts';
import { contactRoutes } from './routes.ts';
import { sampleContacts } from './samples.ts';
import { contactEntity } from './service.ts';

export const feature: Feature = {
  name: 'contacts',
  tags: [{ name: 'Contacts', description: 'The address book' }],
  entities: [contactEntity],
  workspaceRoutes: [contactRoutes],
  samples: sampleContacts,
};
