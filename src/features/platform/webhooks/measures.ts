import { Counter, Histogram } from 'prom-client';
import type { Measure } from '../../../infra/metrics.ts';

interface WebhookMeasures {
  /** From the change to the attempt to deliver its event. */
  eventLag: Histogram;
  deliveries: Counter<'outcome'>;
}

export const webhookMeasures: Measure<WebhookMeasures> = (registers) => ({
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
});
