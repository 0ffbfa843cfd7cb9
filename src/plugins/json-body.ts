import { isUtf8 } from 'node:buffer';
import fp from 'fastify-plugin';
import { AppError, invalid } from '../lib/errors.ts';
import { faultOfJson, type JsonFault } from '../lib/json-size.ts';

/** What is answered in place of parsing. */
const refusals: Record<JsonFault, () => AppError> = {
  broken: () => new AppError('malformed_json'),
  'too deep': () => invalid('body', 'Too deeply nested'),
  'too many values': () => invalid('body', 'Too many values'),
};

/**
 * Bodies are JSON in UTF-8 and nothing else. Names that reach into prototypes are dropped while parsing. A missing
 * body is `undefined`, so that routes without one take a content type without a body, and the others answer 422.
 */
export const jsonBodyPlugin = fp(
  async (app) => {
    app.decorateRequest('bodyBytes', 0);
    const parse = app.getDefaultJsonParser('remove', 'remove');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      request.bodyBytes = body.length;
      if (body.length === 0) return done(null, undefined);
      if (!isUtf8(body))
        return done(new AppError('malformed_json', { message: 'The request body is not valid UTF-8' }));
      const fault = faultOfJson(body);
      if (fault) return done(refusals[fault]());
      return parse(request, body.toString('utf8'), (error: Error | null, value?: unknown) => {
        if (error) done(new AppError('malformed_json'));
        else done(null, value);
      });
    });
  },
  { name: 'json-body' },
);
