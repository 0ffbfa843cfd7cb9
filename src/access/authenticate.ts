import '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { bearerOf } from '../lib/bearer.ts';
import { AppError } from '../lib/errors.ts';
import { assertOwnOrigin } from '../tenancy/accounts/origin.ts';
import type { Carrier, Contract, Identity } from './contract.ts';
import { assertWelcome, countRefusal, remember, sourceOf } from './refusals.ts';

/** The credential is missing, unknown or dead. */
export const unauthorized = (): AppError =>
  new AppError('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer' } });

/** Who makes the request, by the credentials that the contract knows. @throws AppError unauthorized, forbidden, rate_limited */
export async function authenticate(
  ctx: Context,
  { carriers }: Contract,
  request: FastifyRequest,
): Promise<Identity> {
  for (const carrier of carriers) {
    const text = textIn(carrier, request);
    if (text === undefined) continue;
    const identity = await identify(ctx, carrier, text, request.ip);
    if (carrier.in === 'cookie') assertOwnOrigin(ctx.config, request);
    return identity;
  }
  throw unauthorized();
}

function textIn(carrier: Carrier, request: FastifyRequest): string | undefined {
  if (carrier.in === 'bearer') return bearerOf(request);
  if (carrier.in === 'cookie') return request.cookies[carrier.name];
  const header = request.headers[carrier.name];
  return typeof header === 'string' ? header : undefined;
}

async function identify(ctx: Context, { takes }: Carrier, text: string, address: string): Promise<Identity> {
  const source = sourceOf(address);
  await assertWelcome(ctx, source, text);
  const credential = takes.find(({ isFormed }) => isFormed(text));
  const identity = await credential?.identify(ctx, text, address);
  if (!identity) {
    await countRefusal(ctx, source, text);
    throw unauthorized();
  }
  remember(ctx, text);
  return identity;
}
