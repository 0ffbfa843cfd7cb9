import { parseArgs } from 'node:util';

/** @returns the options of the command line, checked */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '1' },
      seconds: { type: 'string' },
      clients: { type: 'string', default: '16' },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
    },
  });
  const options = {
    seconds: values.seconds === undefined ? Number(values.minutes) * 60 : Number(values.seconds),
    clients: Number(values.clients),
    seed: Number(values.seed),
  };
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number`);
  }
  return options;
}
