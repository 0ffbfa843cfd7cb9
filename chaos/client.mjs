import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { call } from './http.mjs';

/** What a client does, and how often relative to the rest. */
const actions = {
  createLead: 30,
  updateLead: 22,
  readLead: 12,
  listLeads: 4,
  repeatRequest: 4,
  createContact: 8,
  createTask: 6,
  completeTask: 4,
  createLeadsInBulk: 3,
  sendSms: 7,
  sendWhatsapp: 3,
};

const bulkRows = 20;
const timeoutMs = 15_000;
/** Answered only once the provider has accepted the message. */
const slowTimeoutMs = 30_000;
/** How many of its records a client goes on working with. */
const rememberedMax = 60;
/** Now and then a client gives up after its first attempt, as one that crashes does. */
const givingUpShare = 0.05;
const retryMs = [100, 600];
const idleMs = [5, 60];

/**
 * A careful integrator: every POST has an Idempotency-Key, and whatever is not answered is asked again with the same
 * key until it is.
 */
export class Client {
  #run;
  #random;
  #index;
  #sequence = 0;
  #leads = [];
  #tasks = [];
  #answered = [];

  /** @param run what all clients share: { origin, tenant, ledger, traffic, violate } */
  constructor(run, index, random) {
    this.#run = run;
    this.#index = index;
    this.#random = random;
  }

  /** Works until the signal; then finishes what is under way. @param {() => boolean} mayRetry false: gives up */
  async work(signal, mayRetry) {
    this.mayRetry = mayRetry;
    while (!signal.aborted) {
      await this[this.#random.weighted(actions)]();
      await sleep(this.#random.between(...idleMs));
    }
  }

  async createLead() {
    const phone = this.#newPhone();
    const body = { name: `Lead ${phone}`, mobileNumber: phone, tags: ['chaos'] };
    this.#run.ledger.attempted('leads', phone);
    const data = await this.#create('/leads', body, 201);
    if (!data) return;
    this.#run.ledger.acknowledged('leads', data._id, phone);
    this.#remember(this.#leads, { id: data._id, phone, changes: 0, etag: undefined });
  }

  async createLeadsInBulk() {
    const phones = Array.from({ length: bulkRows }, () => this.#newPhone());
    for (const phone of phones) this.#run.ledger.attempted('leads', phone);
    const leads = phones.map((phone) => ({ name: `Lead ${phone}`, mobileNumber: phone }));
    const answer = await this.#post('/leads/bulk', { leads }, 201);
    if (!answer) return;
    for (const [index, row] of answer.body.results.entries()) {
      if (row.status === 'created') this.#run.ledger.acknowledged('leads', row.id, phones[index]);
      else this.#run.violate('bulk row of a new lead refused', JSON.stringify(row));
    }
  }

  async createContact() {
    const phone = this.#newPhone();
    this.#run.ledger.attempted('contacts', phone);
    const data = await this.#create('/contacts', { name: `Contact ${phone}`, mobileNumber: phone }, 201);
    if (data) this.#run.ledger.acknowledged('contacts', data._id, phone);
  }

  async createTask() {
    const title = `Call ${this.#newPhone()}`;
    this.#run.ledger.attempted('tasks', title);
    const data = await this.#create('/tasks', { title, assignedTo: this.#run.tenant.userId }, 201);
    if (!data) return;
    this.#run.ledger.acknowledged('tasks', data._id, title);
    this.#remember(this.#tasks, data._id);
  }

  async completeTask() {
    const id = this.#tasks.shift();
    if (!id) return;
    this.#run.ledger.completing(id);
    const answer = await this.#untilAnswered({ method: 'POST', path: `/tasks/${id}/complete` });
    if (this.#expect(answer, 200)) this.#run.ledger.completed(id);
  }

  async sendSms() {
    const [to, text] = this.#newMessage();
    this.#run.ledger.attemptedMessage('sms', to, text);
    const data = await this.#create('/messages/sms', { to, body: text }, 201);
    if (data) this.#run.ledger.acknowledgedMessage(data._id, to, text);
  }

  async sendWhatsapp() {
    const [to, text] = this.#newMessage();
    this.#run.ledger.attemptedMessage('whatsapp', to, text);
    const request = {
      method: 'POST',
      path: '/whatsapp/send/text',
      key: this.#newKey(),
      body: { to, body: text },
    };
    const answer = await this.#untilAnswered({ ...request, isSlow: true });
    // The provider's answer was lost: the documented outcome, counted as such at the end.
    if (!answer || answer.body?.status === 'unknown') return;
    if (this.#expect(answer, 200)) {
      this.#run.ledger.acknowledgedMessage(answer.body.data.message._id, to, text);
    }
  }

  /** Each change has a text of its own, so that each can be told apart in the events. Only this client changes the lead. */
  async updateLead() {
    const lead = this.#leads.length > 0 && this.#random.pick(this.#leads);
    if (!lead) return;
    const description = `change ${lead.changes + 1}`;
    this.#run.ledger.changing(lead.id, lead.changes + 1);
    const isPatch = this.#random.chance(0.6);
    const ifMatch = isPatch ? lead.etag : undefined;
    const answer = await this.#untilAnswered({
      method: isPatch ? 'PATCH' : 'PUT',
      path: `/leads/${lead.id}`,
      headers: ifMatch ? { 'If-Match': ifMatch } : {},
      body: isPatch ? { description } : { name: `Lead ${lead.phone}`, mobileNumber: lead.phone, description },
    });
    if (answer?.status === 412) return this.#afterStaleEtag(lead, description);
    if (!this.#expect(answer, 200)) return;
    lead.etag = answer.headers.etag;
    this.#changed(lead);
  }

  /** Either an attempt was carried out and its answer lost, or the ETag is from before such an attempt. */
  async #afterStaleEtag(lead, description) {
    const answer = await this.#untilAnswered({ method: 'GET', path: `/leads/${lead.id}` });
    if (!this.#expect(answer, 200)) return;
    lead.etag = answer.headers.etag;
    if (answer.body.data.description === description) this.#changed(lead);
  }

  #changed(lead) {
    lead.changes += 1;
    this.#run.ledger.changed(lead.id, lead.changes);
  }

  async readLead() {
    const lead = this.#leads.length > 0 && this.#random.pick(this.#leads);
    if (!lead) return;
    const answer = await this.#untilAnswered({ method: 'GET', path: `/leads/${lead.id}` });
    if (!this.#expect(answer, 200)) return;
    const shown = Number((answer.body.data.description ?? 'change 0').split(' ')[1]);
    if (shown < lead.changes) this.#run.violate('acknowledged change not shown', `${lead.id}: ${shown}`);
  }

  async listLeads() {
    const answer = await this.#untilAnswered({ method: 'GET', path: '/leads?limit=20' });
    this.#expect(answer, 200);
  }

  /** A retry of something that was answered long ago gets the answer of then. */
  async repeatRequest() {
    const earlier = this.#answered.length > 0 && this.#random.pick(this.#answered);
    if (!earlier) return;
    const answer = await this.#untilAnswered(earlier.request);
    if (!this.#expect(answer, earlier.answer.status)) return;
    const isSame = isDeepStrictEqual(answer.body, earlier.answer.body);
    if (!isSame || answer.headers['idempotency-replayed'] !== 'true') {
      this.#run.violate(
        'a repeated request got another answer',
        `${JSON.stringify(earlier.answer.body)} ${JSON.stringify(answer.body)}`,
      );
    }
  }

  async #create(path, body, status) {
    const answer = await this.#post(path, body, status);
    return answer?.body.data;
  }

  async #post(path, body, status) {
    const request = { method: 'POST', path, key: this.#newKey(), body };
    const isGivingUp = this.#random.chance(givingUpShare);
    const answer = await this.#untilAnswered(request, isGivingUp ? 1 : Number.POSITIVE_INFINITY);
    if (!this.#expect(answer, status)) return undefined;
    // Messages move on by themselves, so only records have one answer for ever.
    if (!path.startsWith('/messages')) this.#remember(this.#answered, { request, answer });
    return answer;
  }

  /** The first answer that settles the matter; undefined when the client gave up. */
  async #untilAnswered(request, attemptsMax = Number.POSITIVE_INFINITY) {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(request);
      const isSettled =
        answer && (isUnknownOutcome(answer) || (answer.status < 500 && answer.status !== 429));
      if (isSettled) return answer;
      if (attempt >= attemptsMax || !this.mayRetry()) return undefined;
      await sleep(this.#random.between(...retryMs));
    }
  }

  async #attempt({ method, path, key, headers = {}, body, isSlow = false }) {
    const { origin, tenant, traffic, violate } = this.#run;
    const startedAt = performance.now();
    const attempt = { startedAt, isSlow, isWrite: method !== 'GET' };
    try {
      const answer = await call(origin, {
        method,
        path: `/api/v1/workspaces/${tenant.workspaceId}${path}`,
        headers: { 'X-API-Key': tenant.apiKey, ...headers, ...(key ? { 'Idempotency-Key': key } : {}) },
        body,
        timeoutMs: isSlow ? slowTimeoutMs : timeoutMs,
      });
      traffic.add({ ...attempt, status: answer.status });
      const { status } = answer;
      if (status >= 500 && status !== 503)
        violate(`answer ${status}`, `${method} ${path} ${JSON.stringify(answer.body)}`);
      if (status === 503 && !answer.headers['retry-after'] && !isUnknownOutcome(answer)) {
        violate('503 without Retry-After', `${method} ${path}`);
      }
      return answer;
    } catch (error) {
      traffic.add({ ...attempt, isTooLate: error.isTooLate === true });
      return undefined;
    }
  }

  #expect(answer, status) {
    if (!answer) return false;
    if (answer.status !== status) {
      this.#run.violate(`answer ${answer.status} in place of ${status}`, JSON.stringify(answer.body));
    }
    return answer.status === status;
  }

  #remember(list, item) {
    list.push(item);
    if (list.length > rememberedMax) list.shift();
  }

  /** Numbers that nobody else uses: client and sequence are part of them. */
  #newPhone() {
    return `+919${String(this.#index).padStart(2, '0')}${String(this.#sequence++).padStart(7, '0')}`;
  }

  #newMessage() {
    const to = this.#newPhone();
    return [to, `Hello ${to}`];
  }

  #newKey() {
    return `client-${this.#index}-${this.#sequence++}`;
  }
}

const isUnknownOutcome = ({ status, body }) => status === 503 && body?.status === 'unknown';
