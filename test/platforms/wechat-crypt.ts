import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** The account's secrets as its console shows them. */
export interface Account {
  readonly token: string
  readonly aesKey: string
  readonly appId: string
}

const keyOf = ({ aesKey }: Account): Buffer => Buffer.from(`${aesKey}=`, 'base64')

export const sha1Of = (parts: readonly string[]): string =>
  createHash('sha1')
    .update(parts.toSorted((a, b) => (a < b ? -1 : 1)).join(''))
    .digest('hex')

/** 16 random bytes, four bytes of length, the text, the AppID, padded to whole blocks of 32. */
export const seal = (text: string | Uint8Array<ArrayBuffer>, account: Account): string => {
  const words = typeof text === 'string' ? Buffer.from(text) : text
  const size = Buffer.from([
    words.length >>> 24,
    (words.length >>> 16) & 255,
    (words.length >>> 8) & 255,
    words.length & 255,
  ])
  const data = Buffer.concat([randomBytes(16), size, words, Buffer.from(account.appId)])
  const fill = 32 - (data.length % 32)
  const aes = createCipheriv('aes-256-cbc', keyOf(account), keyOf(account).subarray(0, 16))
  aes.setAutoPadding(false)
  return Buffer.concat([aes.update(Buffer.concat([data, Buffer.alloc(fill, fill)])), aes.final()]).toString('base64')
}

/** What is inside, or why it can't be read. */
export const unseal = (sealed: string, account: Account): { readonly text: string } | { readonly problem: string } => {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length === 0 || bytes.length % 32 !== 0) return { problem: 'ciphertext is not made of blocks of 32' }
  const aes = createDecipheriv('aes-256-cbc', keyOf(account), keyOf(account).subarray(0, 16))
  aes.setAutoPadding(false)
  const data = Buffer.concat([aes.update(bytes), aes.final()])
  const fill = data[data.length - 1] ?? 0
  if (fill < 1 || fill > 32 || !data.subarray(-fill).every((byte) => byte === fill)) return { problem: 'bad padding' }
  const size = data.readUInt32BE(16)
  const end = 20 + size
  if (end > data.length - fill) return { problem: 'bad length' }
  if (data.subarray(end, data.length - fill).toString() !== account.appId) return { problem: 'not our AppID' }
  return { text: data.subarray(20, end).toString('utf8') }
}
