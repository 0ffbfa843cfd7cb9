import { z } from 'zod';
import { isAddressOrRange } from './lib/ip.ts';
import { isCountry } from './lib/phone.ts';

const flag = (on: string, off: string, fallback: string) =>
  z
    .enum([on, off])
    .default(fallback)
    .transform((value) => value === on);

const port = z.coerce.number().int().min(0).max(65_535);
const positive = z.coerce.number().int().min(1);
const milliseconds = z.number().int().min(0);
const url = (...schemes: string[]) =>
  z.string().refine((text) => schemes.some((scheme) => text.startsWith(`${scheme}:`)) && URL.canParse(text), {
    message: `must be a URL that starts with ${schemes.map((scheme) => `${scheme}:`).join(' or ')}`,
  });
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Whose email may leave through SMTP_URL. */
const operatorMail = z
  .string()
  .regex(
    /^(none|all|[0-9a-f]{24}(\s*,\s*[0-9a-f]{24})*)$/,
    'must be none, all or workspace ids, separated by commas',
  )
  .transform((text) => (text === 'all' ? text : text === 'none' ? [] : text.split(/\s*,\s*/)));
/** Names that the proxy library knows for private networks. */
const namedNetworks = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * How many proxies stand in front, or in which networks: only these are believed when they name the client. Believing
 * every sender would let a client choose its address, and with it what is allowed and counted by address.
 */
const proxies = z.string().transform((text, context) => {
  if (text === 'false') return false;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const networks = text.split(',').map((network) => network.trim());
  if (networks.every((network) => namedNetworks.includes(network) || isAddressOrRange(network)))
    return networks;
  context.addIssue({
    code: 'custom',
    message:
      text === 'true'
        ? 'true would believe whatever address a client writes into X-Forwarded-For; give the number of proxies in front, or their networks'
        : 'must be the number of proxies in front, or their networks (10.0.0.0/8,loopback)',
  });
  return z.NEVER;
});

/** Host names of their own for contracts: `crm.example.com=automate8,…`. */
const contractHosts = list.transform((texts, context) => {
  const hosts = new Map<string, string>();
  for (const text of texts) {
    const [, host = '', contract = ''] = /^([a-z0-9.-]+)=([a-z0-9-]+)$/i.exec(text) ?? [];
    if (host && !hosts.has(host.toLowerCase())) hosts.set(host.toLowerCase(), contract);
    else {
      const message = `${text} is not one more host name and its contract (crm.example.com=automate8)`;
      context.addIssue({ code: 'custom', message });
    }
  }
  return hosts as ReadonlyMap<string, string>;
});

/** 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 8 h, 24 h: about a day and a half of patience with a broken receiver. */
const defaultRetryDelays = '5000,30000,120000,600000,3600000,10800000,28800000,86400000';

const environmentSchema = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  PORT: port.default(5010),
  HOST: z.string().min(1).default('127.0.0.1'),
  REQUEST_TIMEOUT_MS: positive.default(60_000),
  DATA_DIR: z.string().min(1).default('.data'),
  // Not a WHATWG URL when it lists several hosts; the driver says what else is wrong with it.
  MONGODB_URL: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/./, 'must be a mongodb:// or mongodb+srv:// URL')
    .optional(),
  REDIS_URL: z.union([url('redis', 'rediss'), z.string().startsWith('/')]).optional(),
  JWT_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  ENCRYPTION_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  CORS_ORIGINS: list.prefault(''),
  PUBLIC_URL: url('http', 'https').optional(),
  CONTRACT_HOSTS: contractHosts.prefault(''),
  SIGNUP: z.enum(['open', 'invited', 'closed']).default('open'),
  DEMO: flag('on', 'off', 'on'),
  TRUST_PROXY: proxies.default(false),
  DEFAULT_COUNTRY: z.string().refine(isCountry, 'must be an ISO 3166 country code').default('IN'),
  RATE_LIMIT_PER_MINUTE: positive.default(600),
  RATE_LIMIT_PER_HOUR: positive.default(10_000),
  FAIR_SHARE_PERCENT: z.coerce.number().min(1).max(100).default(10),
  METRICS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  WEBHOOK_ALLOW_PRIVATE_NETWORK: flag('true', 'false', 'false'),
  WEBHOOK_RETRY_DELAYS_MS: list
    .transform((texts) => texts.map(Number))
    .pipe(z.array(milliseconds).min(1))
    .prefault(defaultRetryDelays),
  WEBHOOK_TIMEOUT_MS: positive.default(10_000),
  WHATSAPP_API_URL: url('http', 'https').default('https://graph.facebook.com/v21.0'),
  TWILIO_API_URL: url('http', 'https').default('https://api.twilio.com'),
  SMTP_URL: url('smtp', 'smtps').optional(),
  OPERATOR_MAIL: operatorMail.prefault('none'),
  OPERATOR_MAIL_PER_DAY: positive.default(200),
});

export interface Config {
  readonly isProduction: boolean;
  readonly port: number;
  readonly host: string;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs: number;
  readonly dataDir: string;
  /** Unset: the embedded engine serves. */
  readonly mongoUrl: string | undefined;
  /** A redis:// URL or the path of a unix socket. Unset: a private Redis serves. */
  readonly redisUrl: string | undefined;
  readonly jwtSecret: string | undefined;
  readonly encryptionKey: string | undefined;
  readonly logLevel: string;
  readonly corsOrigins: readonly string[];
  readonly publicUrl: string | undefined;
  /** Host names at whose root a contract is, which they name. */
  readonly contractHosts: ReadonlyMap<string, string>;
  /** `invited`: an account opens with an invitation only. `closed`: none does. */
  readonly signup: 'open' | 'invited' | 'closed';
  readonly isDemoWanted: boolean;
  /** Proxies that are believed when they name the client: none, how many, or in which networks. */
  readonly trustProxy: false | number | string[];
  readonly defaultCountry: string;
  readonly rateLimit: { readonly perMinute: number; readonly perHour: number };
  /** The operator has set the limit by the minute, which then holds in place of those that contracts document. */
  readonly isRateLimitSet: boolean;
  /** The part of a process's time that the heavy work of one workspace may take while others are active. */
  readonly fairShare: number;
  /** Bearer token of /metrics. */
  readonly metricsToken: string | undefined;
  readonly webhooks: {
    readonly isPrivateNetworkAllowed: boolean;
    readonly retryDelaysMs: readonly number[];
    readonly timeoutMs: number;
  };
  readonly whatsappApiUrl: string;
  readonly twilioApiUrl: string;
  readonly smtpUrl: string | undefined;
  /** The workspaces whose email may leave through it. */
  readonly operatorMail: 'all' | readonly string[];
  /** To how many recipients of each of them. */
  readonly operatorMailPerDay: number;
}

/** A wrong environment: its message is the one line that the start prints, and names the variable. */
export class ConfigError extends Error {}

/**
 * The environment as one typed, frozen object. The only reader of process.env.
 * @throws ConfigError naming the first variable that is wrong
 */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  // An empty value in an env file means "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`${issue?.path[0]?.toString()}: ${issue?.message}`);
  }
  const env = parsed.data;
  if (env.NODE_ENV === 'production') {
    for (const name of ['JWT_SECRET', 'ENCRYPTION_KEY'] as const) {
      if (!env[name]) throw new ConfigError(`${name}: required when NODE_ENV=production`);
    }
  }
  return Object.freeze({
    isProduction: env.NODE_ENV === 'production',
    port: env.PORT,
    host: env.HOST,
    requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    dataDir: env.DATA_DIR,
    mongoUrl: env.MONGODB_URL,
    redisUrl: env.REDIS_URL,
    jwtSecret: env.JWT_SECRET,
    encryptionKey: env.ENCRYPTION_KEY,
    logLevel: env.LOG_LEVEL,
    corsOrigins: env.CORS_ORIGINS,
    publicUrl: env.PUBLIC_URL,
    contractHosts: env.CONTRACT_HOSTS,
    signup: env.SIGNUP,
    isDemoWanted: env.DEMO,
    trustProxy: env.TRUST_PROXY,
    defaultCountry: env.DEFAULT_COUNTRY,
    rateLimit: { perMinute: env.RATE_LIMIT_PER_MINUTE, perHour: env.RATE_LIMIT_PER_HOUR },
    isRateLimitSet: given.RATE_LIMIT_PER_MINUTE !== undefined,
    fairShare: env.FAIR_SHARE_PERCENT / 100,
    metricsToken: env.METRICS_TOKEN,
    webhooks: {
      isPrivateNetworkAllowed: env.WEBHOOK_ALLOW_PRIVATE_NETWORK,
      retryDelaysMs: env.WEBHOOK_RETRY_DELAYS_MS,
      timeoutMs: env.WEBHOOK_TIMEOUT_MS,
    },
    whatsappApiUrl: env.WHATSAPP_API_URL,
    twilioApiUrl: env.TWILIO_API_URL,
    smtpUrl: env.SMTP_URL,
    operatorMail: env.OPERATOR_MAIL,
    operatorMailPerDay: env.OPERATOR_MAIL_PER_DAY,
  });
}
