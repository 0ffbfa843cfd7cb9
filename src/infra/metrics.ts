import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly requestDuration: Histogram<'method' | 'route' | 'status'>;
  readonly queueDepth: Gauge<'queue'>;
  readonly parkedEvents: Gauge;
  /** A feature's own measurements. */
  of<T>(measure: Measure<T>): T;
}

/** Declares measurements of a feature; made once per registry. */
export type Measure<T> = (registers: Registry[]) => T;

/** One registry per context, so that several servers in one process (tests) don't share counters. */
export function createMetrics(measures: readonly Measure<unknown>[] = []): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const made = new Map<Measure<unknown>, unknown>();
  const measuresOf = <T>(measure: Measure<T>): T => {
    if (!made.has(measure)) made.set(measure, measure(registers));
    return made.get(measure) as T;
  };
  for (const measure of measures) measuresOf(measure);
  return {
    registry,
    requestDuration: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    queueDepth: new Gauge({
      name: 'queue_depth',
      help: 'Jobs that wait or are being processed',
      labelNames: ['queue'],
      registers,
    }),
    parkedEvents: new Gauge({
      name: 'events_parked',
      help: 'Events that could not be passed on and wait for somebody to mend what keeps them',
      registers,
    }),
    of: measuresOf,
  };
}
