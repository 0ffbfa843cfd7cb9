import Fastify, { type FastifyContextConfig } from 'fastify';
import { describe, expect, it } from 'vitest';
import { accessPlugin, openTo } from '../../src/access/plugin.ts';
import type { Context } from '../../src/context.ts';
import { native } from '../../src/contracts.ts';

/** Registering routes asks nothing else of the context. */
const ctx = { scopes: ['lead.read'], modules: ['leads'] } as unknown as Context;
const handler = async () => ({});

describe('the start', () => {
  it('fails on a route that declares no access', async () => {
    const app = Fastify();
    await app.register(accessPlugin, { ctx });
    expect(() => app.get('/forgotten', handler)).toThrow('GET /forgotten declares no access');
    await app.close();
  });

  it('fails on a route that belongs to no contract, unless it is public', async () => {
    const app = Fastify();
    await app.register(accessPlugin, { ctx });
    app.get('/public', { config: { access: 'public' } }, handler);
    await app.register(async (scope) => {
      openTo(scope, ctx, native);
      scope.get('/guarded', { config: { access: 'lead.read' } }, handler);
    });
    app.get('/loose', { config: { access: 'lead.read' } }, handler);
    await expect(app.ready()).rejects.toThrow('GET /loose belongs to no contract');
    await app.close();
  });

  it.each<[FastifyContextConfig, string]>([
    [{ access: 'lead.raed' }, 'no scope is called lead.raed'],
    [{ access: 'native:read' }, 'no scope is called native:read'],
    [{ access: 'lead.read', module: 'laeds' }, 'no module is called laeds'],
    [{ access: 'lead.read', right: 'record.blk' }, 'no right is called record.blk'],
  ])('fails on a route that demands %o', async (config, message) => {
    const app = Fastify();
    await app.register(accessPlugin, { ctx });
    openTo(app, ctx, native);
    expect(() => app.get('/misspelt', { config }, handler)).toThrow(`GET /misspelt: ${message}`);
    await app.close();
  });
});
