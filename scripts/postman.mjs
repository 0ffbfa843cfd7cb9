/** The API document as a Postman 2.1 collection: a folder per tag, with variables for address, workspace and credentials. */
import { promisify } from 'node:util';
import converter from 'openapi-to-postmanv2';

const options = {
  folderStrategy: 'Tags',
  requestParametersResolution: 'Schema',
  includeAuthInfoInExample: false,
};
const variables = ['workspaceId', 'apiKey', 'bearerToken'];

/** @param {object} document OpenAPI */
export async function toPostmanCollection(document) {
  const input = { type: 'json', data: withoutChoices(document) };
  const { result, reason, output } = await promisify(converter.convertV2)(input, options);
  if (!result) throw new Error(`No Postman collection: ${reason}`);
  const { info, item, variable } = output[0].data;
  return {
    info: { name: info.name, description: info.description, schema: info.schema },
    variable: [...variable, ...variables.map((key) => ({ key, value: '' }))].map(({ key, value }) => ({
      key,
      value,
    })),
    item: item.map(tidy),
  };
}

/** Without ids, which are new each time, and example answers, which stand in the API document. */
function tidy({ name, description, request, item }) {
  if (item) return { name, description, item: item.map(tidy) };
  const { url, ...rest } = request;
  const variable = url.variable?.map((one) =>
    one.key === 'workspaceId' ? { key: one.key, value: '{{workspaceId}}' } : { key: one.key, value: '' },
  );
  const query = url.query?.map((one) => ({ ...one, value: '', disabled: true }));
  return { name, request: { ...rest, url: { ...url, query, variable } } };
}

/** The library fills in examples by chance; where a schema leaves no choice, the collection changes only with the document. */
function withoutChoices(node) {
  if (Array.isArray(node)) return node.map(withoutChoices);
  if (typeof node !== 'object' || node === null) return node;
  const kept = Object.entries(node).filter(
    ([key, value]) =>
      !(['format', 'pattern'].includes(key) && typeof value === 'string') && key !== 'additionalProperties',
  );
  const plain = Object.fromEntries(kept.map(([key, value]) => [key, withoutChoices(value)]));
  for (const key of ['enum', 'anyOf', 'oneOf']) {
    if (!Array.isArray(plain[key])) continue;
    plain[key] = plain[key].filter((one) => typeof one !== 'object' || one?.type || one?.$ref).slice(0, 1);
    // What only says which fields are needed together is no schema of a value.
    if (plain[key].length === 0) delete plain[key];
  }
  return plain;
}
