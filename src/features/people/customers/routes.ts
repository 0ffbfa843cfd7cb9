import type { Routes } from '../../../http.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { customerFilters, customerInput, customerOut, customerPatch, customerUpdate } from './schema.ts';
import { customerEntity, customerService } from './service.ts';

export const customerRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, {
    entity: customerEntity,
    service: customerService,
    path: '/customers',
    idParam: 'id',
    names: ['Customer', 'Customers'],
    module: 'customers',
    scopes: { read: 'customer.read', write: 'customer.write' },
    schemas: {
      input: customerInput,
      inputName: 'CustomerInput',
      replace: customerUpdate,
      patch: customerPatch,
      out: customerOut,
      filters: customerFilters,
    },
    bulkKey: 'customers',
    duplicateReason: 'The lead is a customer already',
  });
};
