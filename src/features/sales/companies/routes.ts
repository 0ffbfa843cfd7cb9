import { recordRoutes } from '../../../records/api/routes.ts';
import { companyService } from './service.ts';

export const companyRoutes = recordRoutes(companyService);
