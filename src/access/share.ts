import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { priceOfBytes } from '../lib/fair-share.ts';

/** Smaller bodies and answers are light, and that is nearly all of them. */
const lightBodyBytes = 64 * 1_024;
const lightAnswerBytes = 128 * 1_024;

const priceOver = (lightBytes: number, bytes: number): number =>
  bytes > lightBytes ? priceOfBytes(bytes) : 0;

const tenantOf = ({ workspace }: FastifyRequest): string => workspace._id.toHexString();

/**
 * Waits for the workspace's turn, before anything of a large body is read: while it isn't, the client can't send on.
 * @throws AppError rate_limited
 */
export function admit({ share }: Context, request: FastifyRequest): Promise<void> {
  const tenant = tenantOf(request);
  share.touch(tenant);
  return share.enter(tenant, priceOver(lightBodyBytes, Number(request.headers['content-length'] ?? 0)));
}

/** Charges what shows afterwards: large answers, and bodies whose length was not announced. */
export function chargeAfterwards(app: FastifyInstance, { share }: Context): void {
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (!request.workspace) return done();
    const answerBytes = typeof payload === 'string' ? payload.length : 0;
    const bodyBytes = request.headers['content-length'] === undefined ? request.bodyBytes : 0;
    const priceMs = priceOver(lightAnswerBytes, answerBytes) + priceOver(lightBodyBytes, bodyBytes);
    if (priceMs > 0) share.charge(tenantOf(request), priceMs);
    done();
  });
}
