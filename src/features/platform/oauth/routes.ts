import formbody from '@fastify/formbody';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { actionSuccess, done } from '../../../lib/schemas.ts';
import { acceptBasicCredentials, basicChallenge, usesBasic } from './client-authentication.ts';
import { clientCredentials, refreshRequest, refreshResponse, tokenRequest, tokenResponse } from './schema.ts';
import { issueTokens, refreshTokens, revokeCredentials, type TokenPair } from './service.ts';

const tags = ['OAuth 2.0'];
const config = { access: 'public', limitByAddress: true } as const;

/** Some names and credentials. */
const formBytesMax = 16 * 1_024;

/** Clients send their credentials as JSON, as a form, or as HTTP Basic. */
export const oauthRoutes: Routes = async (app, { ctx }) => {
  await app.register(formbody, { bodyLimit: formBytesMax });
  app.addHook('onSend', async (request, reply) => {
    reply.header('Cache-Control', 'no-store');
    if (reply.statusCode === 401 && usesBasic(request)) reply.header('WWW-Authenticate', basicChallenge);
  });

  app.post(
    '/api/v1/oauth/token',
    {
      config,
      preValidation: acceptBasicCredentials,
      schema: {
        operationId: 'createToken',
        summary: 'Exchange client credentials for an access token and a refresh token',
        tags,
        body: tokenRequest,
        response: { 200: tokenResponse },
      },
    },
    async (request) => {
      const tokens = await issueTokens(ctx, credentialsOf(request));
      return { ...presentTokens(tokens), token_type: 'Bearer' as const, scope: tokens.scope };
    },
  );

  app.post(
    '/api/v1/oauth/refresh',
    {
      config,
      schema: {
        operationId: 'refreshToken',
        summary: 'Exchange a refresh token, once, for a new access token and a new refresh token',
        tags,
        body: refreshRequest,
        response: { 200: refreshResponse },
      },
    },
    async (request) => presentTokens(await refreshTokens(ctx, request.body.refresh_token, request.ip)),
  );

  app.post(
    '/api/v1/oauth/revoke',
    {
      config,
      preValidation: acceptBasicCredentials,
      schema: {
        operationId: 'revokeCredentials',
        summary: 'End the API key with its client secret and all its tokens, at once',
        tags,
        body: clientCredentials,
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      await revokeCredentials(ctx, credentialsOf(request));
      return done('Credentials revoked successfully');
    },
  );
};

const credentialsOf = ({
  body,
  ip,
}: Pick<FastifyRequest, 'ip'> & { body: z.output<typeof clientCredentials> }) => ({
  clientId: body.client_id,
  clientSecret: body.client_secret,
  address: ip,
});

const presentTokens = ({ accessToken, refreshToken, expiresIn }: TokenPair) => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  expires_in: expiresIn,
});
