import { buildLead, buildPhone, type Tenant } from './app.ts';

type Overrides = Record<string, unknown>;

export const buildContact = (overrides: Overrides = {}) => ({
  name: 'Priya Patel',
  mobileNumber: buildPhone(),
  ...overrides,
});

/** A task of the tenant's member. */
export const buildTask = ({ memberId }: Pick<Tenant, 'memberId'>, overrides: Overrides = {}) => ({
  title: 'Call back about the site visit',
  assignedTo: memberId,
  ...overrides,
});

export const buildProperty = (overrides: Overrides = {}) => ({
  title: 'Ocean Breeze Apartments - Unit 402',
  price: 12_500_000,
  currency: 'INR',
  propertyType: 'Apartment',
  salesType: ['sale'],
  subtype: '3BHK',
  city: 'Mumbai',
  state: 'Maharashtra',
  country: 'India',
  area: 'Worli',
  ...overrides,
});

/** A customer for a lead, which has to exist. */
export const buildCustomer = (leadId: string, overrides: Overrides = {}) => ({
  leadId,
  name: 'Rahul Sharma',
  ...overrides,
});

export const buildCompany = (overrides: Overrides = {}) => ({
  name: 'Mehta Textiles',
  ...overrides,
});

export const buildDeal = (overrides: Overrides = {}) => ({
  title: 'Office floor',
  ...overrides,
});

/** Creates a record over the API and returns it as it was answered. */
export async function createRecord({ api }: Pick<Tenant, 'api'>, path: string, body: object) {
  const answer = await api.post(path).send(body);
  if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body.data as Record<string, unknown> & { _id: string; createdAt: string; updatedAt: string };
}

export const createLead = (tenant: Tenant, overrides: Overrides = {}) =>
  createRecord(tenant, '/leads', buildLead(overrides));

export const createContact = (tenant: Tenant, overrides: Overrides = {}) =>
  createRecord(tenant, '/contacts', buildContact(overrides));

export const createTask = (tenant: Tenant, overrides: Overrides = {}) =>
  createRecord(tenant, '/tasks', buildTask(tenant, overrides));

export const createProperty = (tenant: Tenant, overrides: Overrides = {}) =>
  createRecord(tenant, '/properties', buildProperty(overrides));

/** A customer for a lead of its own. */
export async function createCustomer(tenant: Tenant, overrides: Overrides = {}) {
  const lead = await createLead(tenant);
  return createRecord(tenant, '/customers', buildCustomer(lead._id, overrides));
}

export const createCompany = (tenant: Tenant, overrides: Overrides = {}) =>
  createRecord(tenant, '/companies', buildCompany(overrides));

export const createDeal = (tenant: Tenant, overrides: Overrides = {}) =>
  createRecord(tenant, '/deals', buildDeal(overrides));

interface StageOut {
  stageId: string;
  name: string;
}

/** A pipeline with the stages that one has whose creator gave none. */
export async function createPipeline(tenant: Tenant, overrides: Overrides = {}) {
  const pipeline = await createRecord(tenant, '/pipelines', { name: 'Rentals', ...overrides });
  return { ...pipeline, stages: pipeline.stages as StageOut[] };
}

/** The pipeline that the workspace began with. */
export async function firstPipelineOf({ api }: Pick<Tenant, 'api'>) {
  const { body } = await api.get('/pipelines?sort=createdAt&limit=1');
  return body.data[0] as { _id: string; stages: StageOut[] };
}
