interface WithHeaders {
  headers: { authorization?: string | undefined };
}

/** The token of an Authorization header with the scheme Bearer. */
export function bearerOf({ headers }: WithHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
