import { z } from 'zod';

/** Longer than anything that this server issued. */
const credential = z.string().min(1).max(4_096);

export const clientCredentials = z
  .object({ client_id: credential, client_secret: credential })
  .meta({ id: 'ClientCredentials' });

export const tokenRequest = z
  .object({
    ...clientCredentials.shape,
    grant_type: z.enum(['client_credentials']).meta({ type: 'string', default: 'client_credentials' }),
  })
  .meta({ id: 'TokenRequest' });

export const refreshRequest = z.object({ refresh_token: credential }).meta({ id: 'RefreshRequest' });

export const tokenResponse = z
  .object({
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal('Bearer').meta({ type: 'string' }),
    expires_in: z.int().describe('Seconds'),
    scope: z.string().describe('The scopes of the key, parted by spaces'),
  })
  .meta({ id: 'TokenResponse' });

export const refreshResponse = tokenResponse
  .pick({ access_token: true, refresh_token: true, expires_in: true })
  .meta({ id: 'RefreshResponse' });
