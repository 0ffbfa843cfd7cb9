import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly requestDuration: Histogram<'method' | 'route' | 'status'>;
  readonly queueDepth: Gauge<'queue'>;
  /** From the change to the attempt to deliver its event. */
  readonly eventLag: Histogram;
  readonly deliveries: Counter<'outcome'>;
}

/** One registry per context, so that several servers in one process (tests) don't share counters. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
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
    eventLag: new Histogram({
      name: 'event_lag_seconds',
      help: 'Time from a change to the first attempt to deliver its event',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    deliveries: new Counter({
      name: 'webhook_deliveries_total',
      help: 'Attempts to deliver a webhook',
      labelNames: ['outcome'],
      registers,
    }),
  };
}
