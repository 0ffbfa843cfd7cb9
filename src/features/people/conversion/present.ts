import type { Finished, Part } from './model.ts';
import type { ConversionOut } from './schema.ts';

const presentPart = ({ id, isNew }: Part) => ({ _id: id.toHexString(), isNew });

export const presentConversion = (conversion: Finished): ConversionOut => ({
  leadId: conversion._id.toHexString(),
  contact: presentPart(conversion.contact),
  company: conversion.company && presentPart(conversion.company),
  deal: conversion.deal && presentPart(conversion.deal),
  convertedAt: conversion.convertedAt.toISOString(),
});
