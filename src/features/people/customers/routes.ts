import { recordRoutes } from '../../../records/api/routes.ts';
import { customerService } from './service.ts';

export const customerRoutes = recordRoutes(customerService);
