import { setFlagsFromString } from 'node:v8';
import { type Config, ConfigError, loadConfig } from './config.ts';
import type { Context } from './context.ts';
import { othersMask, warnOfOpenDataDir } from './infra/data-dir.ts';
import { startEmbedded } from './infra/embedded/index.ts';
import { createLogger, type Logger } from './infra/logger.ts';

/**
 * Reads the command, starts and stops things: the only place with signals and exit codes. What it imports above is
 * little; the rest is loaded while the embedded engine starts, and only as far as the command needs it.
 */

// V8 lets the heap of a machine with much memory grow fourfold between collections: 275 MB resident under load where
// this takes 200, for no measurable time. It is no limit; what is needed is had.
setFlagsFromString('--heap-growing-percent=50');

const commands = ['start', 'api', 'worker'] as const;
type Command = (typeof commands)[number];

/** A shutdown that takes longer than this was not going to end. */
const shutdownMs = 15_000;

async function main(): Promise<void> {
  const command = (process.argv[2] ?? 'start') as Command;
  if (!commands.includes(command))
    throw new ConfigError(`Unknown command "${command}"; there are ${commands.join(', ')}`);

  const config = loadConfig(process.env);
  const log = createLogger(config.logLevel);
  process.umask(othersMask);
  warnOfOpenDataDir(config.dataDir, log);
  warnOfUnusedMail(config, log);
  warnOfMissingMail(config, log);
  const serving = serve(command, config, log);
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      log.info({ signal }, 'stopping: requests and jobs in hand are finished first');
      setTimeout(() => process.exit(1), shutdownMs).unref();
      // A signal that comes during the start waits for it: there is then something to stop, and all of it.
      serving
        .then((stop) => stop())
        .then(
          () => process.exit(0),
          (error: unknown) => {
            log.error({ err: error }, 'stopping failed');
            process.exit(1);
          },
        );
    });
  }
  await serving;
}

/** Whoever upgrades, or believes that a mail server is all that it takes, learns why their email goes to the sandbox. */
function warnOfUnusedMail({ smtpUrl, operatorMail }: Config, log: Logger): void {
  if (smtpUrl && operatorMail.length === 0)
    log.warn(
      "SMTP_URL carries the system's own mail only: OPERATOR_MAIL names whose email may leave through it",
    );
}

/** Outside production the answers carry what the mails would. */
function warnOfMissingMail({ isProduction, smtpUrl, publicUrl }: Config, log: Logger): void {
  if (isProduction && !smtpUrl)
    log.warn('no SMTP_URL: invitations and forgotten passwords are answered with 503');
  if (smtpUrl && !publicUrl) log.warn('no PUBLIC_URL: links in mails of the system lead to localhost');
}

/** Starts what the command asks for, in the order of dependence; the returned function stops it in reverse. */
async function serve(command: Command, config: Config, log: Logger): Promise<() => Promise<void>> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const one of stops.reverse()) await one();
  };
  try {
    const [embedded, { createContext }, { keyKinds }, { features }, app, worker] = await Promise.all([
      startEmbedded({
        dataDir: config.dataDir,
        log,
        mongo: !config.mongoUrl,
        redis: !config.redisUrl,
      }).catch(asStartError),
      import('./create-context.ts'),
      import('./contracts.ts'),
      import('./features.ts'),
      command === 'worker' ? undefined : import('./app.ts'),
      command === 'api' ? undefined : import('./worker.ts'),
    ]);
    stops.push(() => embedded.stop());
    const mongoUrl = config.mongoUrl ?? embedded.mongoUrl ?? '';
    const redisUrl = config.redisUrl ?? embedded.redisUrl ?? '';
    const { ctx, close } = await createContext({ features, keyKinds, config, log, mongoUrl, redisUrl }).catch(
      asStartError,
    );
    stops.push(close);
    if (worker) {
      const running = worker.startWorker(ctx, redisUrl);
      stops.push(() => running.close());
    }
    if (app) {
      const server = await app.buildApp(ctx);
      stops.push(() => server.close());
      await server.listen({ port: config.port, host: config.host }).catch(asStartError);
      log.info({ url: server.listeningOrigin }, 'listening');
      if (command === 'start' && config.isDemoWanted && !config.isProduction)
        await offerDemo(ctx, server.listeningOrigin);
    }
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What an operator can mend (a port in use, a database out of reach) is one line. */
function asStartError(error: unknown): never {
  throw new ConfigError((error as Error).message, { cause: error });
}

/** Tells on the first start how to try the server, once: the key and the password are stored only as hashes. */
async function offerDemo(ctx: Context, origin: string): Promise<void> {
  const { createDemo } = await import('./demo.ts');
  const demo = await createDemo(ctx);
  if (!demo) return;
  console.log(`
A demo workspace is ready. Its key and password are shown only now.

  workspace id   ${demo.workspaceId}
  admin login    ${demo.email} / ${demo.password}
  API key        ${demo.apiKey}

Try it:

  curl -H 'X-API-Key: ${demo.apiKey}' ${origin}/api/v1/workspaces/${demo.workspaceId}/leads

The API's documentation: ${origin}/docs
`);
}

main().catch((error: unknown) => {
  // What an operator can mend is one line; anything else is a fault and shows where it happened.
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
