import type { Feature } from '../../../feature.ts';
import { companyEntity } from './record.ts';
import { companiesBelow } from './references.ts';
import { companyRoutes } from './routes.ts';
import { sampleCompanies } from './samples.ts';
import { companySettlement } from './settlement.ts';

export const feature: Feature = {
  name: 'companies',
  tags: [{ name: 'Companies', description: 'Organisations that deals are made with' }],
  entities: [companyEntity],
  workspaceRoutes: [companyRoutes],
  listeners: [companySettlement],
  references: [companiesBelow],
  samples: sampleCompanies,
};
