import { isUtf8 } from 'node:buffer';
import fp from 'fastify-plugin';
import { AppError, invalid } from '../lib/errors.ts';

/** No body of this API needs as much; what works on a body further on may recurse. */
const depthMax = 64;

/**
 * Bodies are JSON in UTF-8 and nothing else. Names that reach into prototypes are dropped while parsing. A missing
 * body is `undefined`, so that routes without one take a content type without a body, and the others answer 422.
 */
export const jsonBodyPlugin = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('remove', 'remove');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      if (body.length === 0) return done(null, undefined);
      if (!isUtf8(body))
        return done(new AppError('malformed_json', { message: 'The request body is not valid UTF-8' }));
      return parse(request, body.toString('utf8'), (error: Error | null, value?: unknown) => {
        if (error) done(new AppError('malformed_json'));
        else if (isTooDeep(body)) done(invalid('body', 'Too deeply nested'));
        else done(null, value);
      });
    });
  },
  { name: 'json-body' },
);

const [quote, backslash, openers, closers] = [0x22, 0x5c, [0x5b, 0x7b], [0x5d, 0x7d]] as const;

/** Counts brackets in well-formed JSON, which is quicker than walking what was parsed. */
function isTooDeep(json: Buffer): boolean {
  let depth = 0;
  let isInText = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index];
    if (byte === quote) isInText = !isInText;
    else if (isInText) index += byte === backslash ? 1 : 0;
    else if (byte === openers[0] || byte === openers[1]) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (byte === closers[0] || byte === closers[1]) depth -= 1;
  }
  return false;
}
