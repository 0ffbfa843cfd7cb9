import type { Routes } from '../../../http.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { customerService } from './service.ts';

export const customerRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, customerService);
};
