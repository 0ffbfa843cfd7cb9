import { e164Of, phone } from '../../records/entity/kinds.ts';

/** The number by which a person is known: as it was given, and normalised, which one live record has. */
export const mobileNumberOf = (noun: string) => ({
  mobileNumber: phone({
    required: 'natively',
    search: true,
    describe: `Primary mobile number; a live ${noun} with the same number is a duplicate`,
  }),
  mobileE164: e164Of('mobileNumber', {
    unique: { index: 'unique_phone', reason: 'Duplicate mobile number' },
  }),
});
