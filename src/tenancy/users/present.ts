import type { User } from './model.ts';

export const presentUser = ({ _id, email, name }: User) => ({ id: _id.toHexString(), email, name });
