import type { Feature } from './feature.ts';
import { feature as erasure } from './features/data/erasure/feature.ts';
import { feature as history } from './features/data/history/feature.ts';
import { feature as jobs } from './features/data/jobs/feature.ts';
import { feature as merging } from './features/data/merging/feature.ts';
import { feature as tags } from './features/data/tags/feature.ts';
import { feature as activities } from './features/engagement/activities/feature.ts';
import { feature as tasks } from './features/engagement/tasks/feature.ts';
import { feature as timeline } from './features/engagement/timeline/feature.ts';
import { feature as messageProviders } from './features/messaging/message-providers/feature.ts';
import { feature as messages } from './features/messaging/messages/feature.ts';
import { feature as providerCallbacks } from './features/messaging/provider-callbacks/feature.ts';
import { feature as whatsapp } from './features/messaging/whatsapp/feature.ts';
import { feature as contacts } from './features/people/contacts/feature.ts';
import { feature as conversion } from './features/people/conversion/feature.ts';
import { feature as customers } from './features/people/customers/feature.ts';
import { feature as leads } from './features/people/leads/feature.ts';
import { feature as apiKeys } from './features/platform/api-keys/feature.ts';
import { feature as health } from './features/platform/health/feature.ts';
import { feature as oauth } from './features/platform/oauth/feature.ts';
import { feature as webhooks } from './features/platform/webhooks/feature.ts';
import { feature as companies } from './features/sales/companies/feature.ts';
import { feature as dealNumbers } from './features/sales/deal-numbers/feature.ts';
import { feature as deals } from './features/sales/deals/feature.ts';
import { feature as pipelines } from './features/sales/pipelines/feature.ts';
import { feature as properties } from './features/sales/properties/feature.ts';
import { feature as accounts } from './tenancy/accounts/feature.ts';
import { feature as members } from './tenancy/members/feature.ts';
import { feature as workspaces } from './tenancy/workspaces/feature.ts';

/**
 * Everything that the server does, in the order of the API document. A feature whose samples need another's comes after
 * it.
 */
export const features: readonly Feature[] = [
  health,
  oauth,
  accounts,
  leads,
  activities,
  properties,
  contacts,
  customers,
  companies,
  pipelines,
  deals,
  dealNumbers,
  tasks,
  members,
  workspaces,
  webhooks,
  messages,
  whatsapp,
  messageProviders,
  providerCallbacks,
  apiKeys,
  conversion,
  merging,
  tags,
  jobs,
  erasure,
  history,
  timeline,
];
