/** The ways a message can go. */
export const channels = ['whatsapp', 'sms', 'email'] as const;
export type Channel = (typeof channels)[number];
