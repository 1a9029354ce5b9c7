/** 32 bytes in hex or base64, as `openssl rand` prints them. */
export const secretKeyForm = /^(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$/

/** Of a text of that form. */
export const secretKeyBytes = (text: string): Uint8Array =>
  Buffer.from(text, /^[0-9a-fA-F]{64}$/.test(text) ? 'hex' : 'base64')
