/** One start of an API process with so many routes more than there are, timed by its parts, as JSON. */
import { performance } from 'node:perf_hooks';

const began = performance.now();
const [
  { buildApp },
  { loadConfig },
  { keyKinds },
  { createContext },
  { features },
  { createLogger },
  declare,
] = await Promise.all([
  import('../dist/app.js'),
  import('../dist/config.js'),
  import('../dist/contracts.js'),
  import('../dist/create-context.js'),
  import('../dist/features.js'),
  import('../dist/infra/logger.js'),
  declarations(),
]);
const loaded = performance.now();

/** Each entity has nine operations at two mounts. */
const routesOfEntity = 18;
const furtherRoutes = Number(process.argv[2]);
const further = Array.from({ length: Math.ceil(furtherRoutes / routesOfEntity) }, (_, index) =>
  featureNumbered(index),
);
const { ctx, close } = await createContext({
  features: [...features, ...further],
  keyKinds,
  config: loadConfig({
    NODE_ENV: 'production',
    JWT_SECRET: 'a-secret-of-the-benchmark-with-32-characters',
    ENCRYPTION_KEY: 'another-secret-of-the-benchmark-of-32-chars',
  }),
  log: createLogger('silent'),
  mongoUrl: process.env.MONGODB_URL,
  redisUrl: process.env.REDIS_URL,
  databaseName: `bench_start_${furtherRoutes}`,
});
const connected = performance.now();
const app = await buildApp(ctx);
const built = performance.now();
await app.listen({ port: 0, host: '127.0.0.1' });
const ready = performance.now();
const routes = app.routeTable.filter(({ method }) => method !== 'HEAD').length;
await app.close();
await close();

console.log(
  JSON.stringify({
    routes,
    load: loaded - began,
    connect: connected - loaded,
    build: built - connected,
    ready: ready - built,
  }),
);
process.exit();

async function declarations() {
  const [{ entity }, kinds, { recordService }, { registerRecordRoutes }] = await Promise.all([
    import('../dist/records/entity/entity.js'),
    import('../dist/records/entity/kinds.js'),
    import('../dist/records/api/service.js'),
    import('../dist/records/api/routes.js'),
  ]);
  return { entity, kinds, recordService, registerRecordRoutes };
}

/** A feature like that of the tasks. */
function featureNumbered(index) {
  const { entity, kinds, recordService, registerRecordRoutes } = declare;
  const { choice, dateTime, longText, member, text } = kinds;
  const name = `further${index}`;
  const declared = entity({
    name,
    path: `/${name}s`,
    module: 'tasks',
    scopes: { read: 'task.read', write: 'task.write' },
    bulk: true,
    fields: {
      title: text({ required: true, search: true }),
      description: longText(),
      dueDate: dateTime(),
      status: choice(['open', 'done'], { initial: 'open', filter: true }),
      priority: choice(['Low', 'Medium', 'High'], { initial: 'Medium', filter: true }),
      assignedTo: member({ required: true, filter: true }),
    },
  });
  const routes = async (app, { ctx }) => registerRecordRoutes(app, ctx, recordService(declared));
  return { name, entities: [declared], workspaceRoutes: [routes] };
}
