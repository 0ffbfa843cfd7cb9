import supertest from 'supertest';
import { expect, it } from 'vitest';
import { useServer } from '../helpers/app.ts';

const server = useServer({ publicUrl: 'https://crm.example.com' });
const get = (path: string) => supertest(server.app.server).get(path);

it('serves the native document under its own name as well', async () => {
  const [plain, named] = [await get('/api/openapi.json'), await get('/api/openapi/native.json')];
  expect(plain.status).toBe(200);
  expect(named.body).toEqual(plain.body);
});

interface Item {
  name: string;
  item?: Item[];
  request?: { method: string; url: { path: string[] } };
}

it('serves every operation as a Postman collection, at this server’s address', async () => {
  const { status, body } = await get('/api/postman_collection.json');
  expect(status).toBe(200);
  const { variable } = body as { variable: { key: string; value: string }[] };
  expect(variable).toContainEqual({ key: 'baseUrl', value: 'https://crm.example.com' });
  const requestsOf = ({ item = [], request }: Item): string[] => [
    ...(request ? [`${request.method} /${request.url.path.join('/')}`] : []),
    ...item.flatMap(requestsOf),
  ];
  const { paths } = (await get('/api/openapi.json')).body as { paths: Record<string, object> };
  const documented = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  expect(requestsOf(body as Item).sort()).toEqual(documented.sort());
});
