import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { notifyAdmins } from '../../src/features/platform/notifications/service.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { addMember, createMember } from '../../src/tenancy/members/service.ts';
import { createWorkspace } from '../../src/tenancy/workspaces/service.ts';
import { startServer, type TestServer, useServer } from '../helpers/app.ts';
import { type Smtp, smtpAccount, startSmtp } from '../helpers/smtp.ts';

let smtp: Smtp;
let isRefusing = false;
let withMail: TestServer;
const withoutMail = useServer();
beforeAll(async () => {
  smtp = await startSmtp({
    onMailFrom: (_address, _session, callback) =>
      callback(isRefusing ? new Error('The mailbox is full') : undefined),
  });
  const { user, password } = smtpAccount;
  withMail = await startServer({ smtpUrl: `smtp://${user}:${password}@127.0.0.1:${smtp.port}` });
});
afterAll(async () => {
  await withMail.close();
  await smtp.close();
});
beforeEach(() => {
  smtp.mails.length = 0;
  isRefusing = false;
});

async function buildWorkspace({ ctx }: TestServer): Promise<ObjectId> {
  const { _id } = await createWorkspace(ctx, 'Test workspace');
  for (const [name, role] of [
    ['ada', 'admin'],
    ['bea', 'admin'],
    ['cem', 'agent'],
  ] as const) {
    const email = `${name}.${_id.toHexString()}@example.com`;
    await addMember(ctx, _id, { _id: new ObjectId(), name, email }, role);
  }
  // Invited, and not come yet: it may be anybody's address.
  await createMember(ctx, _id, { name: 'dan', email: `dan.${_id.toHexString()}@example.com`, role: 'admin' });
  return _id;
}

const kept = ({ ctx }: TestServer, workspaceId: ObjectId) =>
  ctx.db.global('notifications').find({ workspaceId }).toArray();

describe('notifyAdmins', () => {
  it('keeps the notification and mails it to the admins', async () => {
    const workspaceId = await buildWorkspace(withMail);
    await notifyAdmins(withMail.ctx, workspaceId, 'Subject', 'Text of the mail');
    const hex = workspaceId.toHexString();
    expect(smtp.mails).toMatchObject([{ to: [`ada.${hex}@example.com`, `bea.${hex}@example.com`] }]);
    expect(smtp.mails[0]?.text).toMatch(/^Subject: Subject\r$/m);
    expect(smtp.mails[0]?.text).toContain('Text of the mail');
    expect(await kept(withMail, workspaceId)).toMatchObject([
      { subject: 'Subject', text: 'Text of the mail', mailedAt: expect.any(Date) },
    ]);
  });

  it('repeats nothing under the same id', async () => {
    const workspaceId = await buildWorkspace(withMail);
    const id = new ObjectId();
    for (const _ of [1, 2]) await notifyAdmins(withMail.ctx, workspaceId, 'Subject', 'Text', id);
    expect(smtp.mails).toHaveLength(1);
    expect(await kept(withMail, workspaceId)).toHaveLength(1);
  });

  it('does not fail its caller when mail fails; a repetition mails', async () => {
    const workspaceId = await buildWorkspace(withMail);
    const id = new ObjectId();
    isRefusing = true;
    await notifyAdmins(withMail.ctx, workspaceId, 'Subject', 'Text', id);
    const [notification] = await kept(withMail, workspaceId);
    expect(notification).not.toHaveProperty('mailedAt');
    isRefusing = false;
    await notifyAdmins(withMail.ctx, workspaceId, 'Subject', 'Text', id);
    expect(smtp.mails).toHaveLength(1);
  });

  it('keeps the notification where there is no mail server', async () => {
    const workspaceId = await buildWorkspace(withoutMail);
    await notifyAdmins(withoutMail.ctx, workspaceId, 'Subject', 'Text');
    expect(await kept(withoutMail, workspaceId)).toMatchObject([{ subject: 'Subject' }]);
    expect(smtp.mails).toHaveLength(0);
  });
});
