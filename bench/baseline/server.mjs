/**
 * The ceiling: the smallest hand-written server that stores and reads the same documents, with the same indexes and the
 * same durability. Fastify, the driver, one Redis round trip per request and a compiled serialiser; no credentials, no
 * validation, no idempotency, no events.
 */
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { facetsOf, leadDocument, ObjectId, presentLead } from './documents.mjs';
import { insertManyLoop } from './insert-many.mjs';

const { MONGODB_URL, REDIS_URL, PORT } = process.env;
const client = await new mongoose.mongo.MongoClient(MONGODB_URL, {
  maxPoolSize: 50,
  retryWrites: false,
}).connect();
const leads = client.db().collection('leads');
const redis = new Redis(REDIS_URL);
const app = Fastify({ logger: false });

const text = { type: 'string' };
const lead = {
  type: 'object',
  properties: {
    ...Object.fromEntries(
      [
        '_id',
        'workspaceId',
        'name',
        'firstName',
        'lastName',
        'mobileNumber',
        'email',
        'emailDomain',
        'company',
        'city',
        'status',
      ].map((name) => [name, text]),
    ),
    leadStage: text,
    source: text,
    priority: text,
    tags: { type: 'array', items: text },
    fields: { type: 'object', additionalProperties: true },
    createdAt: text,
    updatedAt: text,
  },
};
const success = { type: 'boolean' };
const one = { type: 'object', properties: { success, data: lead } };
const many = {
  type: 'object',
  properties: { success, data: { type: 'array', items: lead }, nextCursor: { type: ['string', 'null'] } },
};

const base = '/api/v1/workspaces/:workspaceId/leads';
const workspaceOf = (request) => new ObjectId(request.params.workspaceId);
const countRequest = () => redis.incr('bench:baseline');
const withoutOwn = { facets: 0, owed: 0, idempotency: 0 };

app.get('/api/v1/health', async () => ({}));

app.post(base, { schema: { response: { 201: one } } }, async (request, reply) => {
  await countRequest();
  const document = leadDocument(workspaceOf(request), request.body);
  await leads.insertOne(document);
  reply.code(201);
  return { success: true, data: presentLead(document) };
});

app.get(`${base}/:id`, { schema: { response: { 200: one } } }, async (request) => {
  await countRequest();
  return { success: true, data: presentLead(await leads.findOne({ _id: new ObjectId(request.params.id) })) };
});

app.get(base, { schema: { response: { 200: many } } }, async (request) => {
  await countRequest();
  const { status, limit } = request.query;
  const filter = { archived: false, workspaceId: workspaceOf(request) };
  if (status) filter.facets = { $in: [`status=${status}`] };
  const hint = status ? 'filtered_list' : 'list';
  return page(filter, { createdAt: -1, _id: -1 }, Number(limit), hint, 'createdAt');
});

app.get(`${base}/sync`, { schema: { response: { 200: many } } }, async (request) => {
  await countRequest();
  const archived = { $in: [false, true] };
  const filter = {
    archived,
    workspaceId: workspaceOf(request),
    updatedAt: { $lt: new Date(Date.now() - 1_500) },
  };
  return page(filter, { updatedAt: 1, _id: 1 }, Number(request.query.limit), 'changed', 'updatedAt');
});

async function page(filter, sort, limit, hint, field) {
  const found = await leads.find(filter, { sort, limit: limit + 1, hint, projection: withoutOwn }).toArray();
  const records = found.slice(0, limit);
  const last = records.at(-1);
  const cursor = found.length > limit ? Buffer.from(JSON.stringify({ u: last[field], i: last._id })) : null;
  return {
    success: true,
    data: records.map(presentLead),
    nextCursor: cursor?.toString('base64url'),
  };
}

const updatedFacets = ['name', 'mobileNumber', 'status'];

app.put(`${base}/:id`, { schema: { response: { 200: one } } }, async (request) => {
  await countRequest();
  const { name, mobileNumber, status, city } = request.body;
  const given = { name, mobileNumber, status, email: '', source: '', tags: [], fields: {} };
  const added = facetsOf(given).filter((facet) => updatedFacets.includes(facet.split('=', 1)[0]));
  const field = { $arrayElemAt: [{ $split: ['$$facet', '='] }, 0] };
  const kept = {
    $filter: { input: '$facets', as: 'facet', cond: { $not: [{ $in: [field, updatedFacets] }] } },
  };
  const set = {
    name: { $literal: name },
    mobileNumber: { $literal: mobileNumber },
    mobileE164: { $literal: mobileNumber },
    status: { $literal: status },
    city: { $literal: city },
    updatedAt: '$$NOW',
    version: { $add: ['$version', 1] },
    facets: { $concatArrays: [kept, { $literal: added }] },
  };
  const id = new ObjectId(request.params.id);
  const changed = await leads.findOneAndUpdate(
    { _id: id, workspaceId: workspaceOf(request) },
    [{ $set: set }],
    { returnDocument: 'after' },
  );
  return { success: true, data: presentLead(changed) };
});

/** No request of a client: runs the driver's insertMany by itself and tells how it went. */
app.post('/insert-many', async ({ query }) =>
  insertManyLoop(leads, {
    rows: Number(query.rows),
    seconds: Number(query.seconds),
    parallel: Number(query.parallel),
  }),
);

await app.listen({ port: Number(PORT), host: '127.0.0.1' });

process.once('SIGTERM', async () => {
  await app.close();
  redis.disconnect();
  await client.close();
  process.exit(0);
});
