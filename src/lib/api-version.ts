/** Version of the public API, in every answer's X-API-Version and in the API document. */
export const apiVersion = '1.1.0';
