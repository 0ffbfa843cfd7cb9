import type { Feature } from '../../../feature.ts';
import { leadConversion } from './conversion.ts';
import { customerEntity } from './record.ts';
import { customerRoutes } from './routes.ts';
import { sampleCustomers } from './samples.ts';

export const feature: Feature = {
  name: 'customers',
  tags: [{ name: 'Customers', description: 'Leads that bought' }],
  entities: [customerEntity],
  workspaceRoutes: [customerRoutes],
  listeners: [leadConversion],
  samples: sampleCustomers,
};
