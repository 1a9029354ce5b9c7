import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** A key with a name that says nothing about it. */
export interface Key {
  readonly id: string
  readonly bytes: Uint8Array
}

/** What a sealed value belongs to: it opens for nothing else, so that rows can't be swapped. */
export interface Label {
  readonly platform: string
  readonly install: string
  readonly name: string
}

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16
const purpose = 'openclaw-connector installs 1'

const derive = (secret: Uint8Array, use: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `${purpose} ${use}`, bytes))

/** The key of installations, made from the operator's 32 bytes, which may serve other uses one day. */
export const keyFrom = (secret: Uint8Array): Key => ({
  id: derive(secret, 'key id', 8).toString('hex'),
  bytes: derive(secret, 'sealing', 32),
})

const aadOf = ({ platform, install, name }: Label): Buffer =>
  Buffer.from(JSON.stringify([purpose, platform, install, name]))

/** AES-256-GCM with a random nonce: nonce, tag, ciphertext. */
export const seal = (key: Key, label: Label, text: string): Uint8Array => {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, key.bytes, iv, { authTagLength: tagBytes })
  cipher.setAAD(aadOf(label))
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body])
}

/** Null: another key, another label, or not as it was written. */
export const unseal = (key: Key, label: Label, sealed: Uint8Array): string | null => {
  if (sealed.length < ivBytes + tagBytes) return null
  const decipher = createDecipheriv(algorithm, key.bytes, sealed.subarray(0, ivBytes), { authTagLength: tagBytes })
  decipher.setAAD(aadOf(label))
  decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8')
  } catch {
    // The one thing `final` throws for: the tag does not fit.
    return null
  }
}
