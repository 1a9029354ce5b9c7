// A file of its own: the one encryption of messages (developer documentation, message encryption and decryption).
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { sameSecret } from '../kit/hmac.ts'

export interface Cipher {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly appId: string
}

/** Blocks are padded to 32 bytes; Node's own padding knows 16 and would refuse every other message. */
const block = 32
const head = 20

/** Lower-case hex SHA-1 of the parts, sorted by code unit and joined. */
export const sign = (...parts: readonly string[]): string =>
  // The bare sort is by code unit; a collation would order digits and letters differently.
  createHash('sha1')
    .update([...parts].sort().join(''), 'utf8')
    .digest('hex')

/** EncodingAESKey has 43 characters: base64 without its last `=`. */
export const cipherOf = (encodingAesKey: string, appId: string): Cipher => ({
  key: Buffer.from(`${encodingAesKey}=`, 'base64'),
  appId,
})

const utf8 = new TextDecoder('utf-8', { fatal: true })

const unciphered = (text: string, { key }: Cipher): Buffer | null => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < block || bytes.length % block !== 0) return null
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([decipher.update(bytes), decipher.final()])
}

/** The XML inside, or null. Whatever is wrong (padding, length, another account's AppID), all of it is looked at, so
 *  that neither the answer nor its time tells what it was. */
export const decrypt = (text: string, cipher: Cipher): string | null => {
  const plain = unciphered(text, cipher)
  if (plain === null) return null
  const last = plain.at(-1) ?? 0
  const padding = last >= 1 && last <= block ? last : block
  const padded = plain.subarray(plain.length - padding).reduce((wrong, byte) => wrong | (byte ^ last), last ^ padding)
  const end = plain.length - padding
  const length = plain.readUInt32BE(16)
  // The length comes from outside: it may say four gigabytes.
  const xmlEnd = Math.min(head + length, Math.max(head, end))
  const appId = plain.subarray(xmlEnd, end).toString('latin1')
  const ours = sameSecret(appId, cipher.appId)
  if (padded !== 0 || head + length !== xmlEnd || !ours) return null
  try {
    return utf8.decode(plain.subarray(head, xmlEnd))
  } catch {
    return null
  }
}

/** `random`: 16 fresh bytes that nobody can guess. */
export const encrypt = (xml: string, { key, appId }: Cipher, random: Uint8Array): string => {
  const body = Buffer.from(xml, 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  const plain = Buffer.concat([random, length, body, Buffer.from(appId, 'latin1')])
  const padding = block - (plain.length % block)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(padding, padding)), cipher.final()]).toString(
    'base64',
  )
}
