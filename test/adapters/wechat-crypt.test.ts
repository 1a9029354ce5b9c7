import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cipherOf, decrypt, encrypt, sign } from '../../adapters/wechat/crypt.ts'
import { seal, unseal } from '../platforms/wechat-crypt.ts'
import { aesKey, appId, golden, token } from './wechat-kit.ts'

const account = { token, aesKey, appId }
const cipher = cipherOf(aesKey, appId)
const random = new Uint8Array(16).fill(7)
const text = fc.string({ unit: 'grapheme', maxLength: 300 })

/** Encrypts any bytes, padded or not as they are. */
const raw = (bytes: Uint8Array): string => {
  const aes = createCipheriv('aes-256-cbc', cipher.key, cipher.key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([aes.update(bytes), aes.final()]).toString('base64')
}
const plain = (length: number, padding: readonly number[], tail = appId): Buffer => {
  const head = Buffer.alloc(20)
  head.writeUInt32BE(length, 16)
  return Buffer.concat([head, Buffer.from(`hello${tail}`), Buffer.from(padding)])
}
/** 20 + 5 + 17 bytes: 22 are missing to two blocks. */
const padding = (byte: number, count = 22): readonly number[] => Array.from({ length: count }, () => byte)

describe('message encryption', () => {
  it('is undone by the other side, and undoes what the other side did', () => {
    fc.assert(
      fc.property(text, fc.uint8Array({ minLength: 16, maxLength: 16 }), (words, bytes) => {
        expect(unseal(encrypt(words, cipher, bytes), account)).toEqual({ text: words })
        expect(decrypt(seal(words, account), cipher)).toBe(words)
      }),
    )
  })

  it('makes the recorded ciphertext, and reads it', () => {
    const encrypted = /<Encrypt><!\[CDATA\[(.*)\]\]>/.exec(golden('encrypted-text.xml').toString())?.[1] ?? ''
    const inside = golden('encrypted-text.plain.xml').toString()
    expect(decrypt(encrypted, cipher)).toBe(inside)
    expect(encrypt(inside, cipher, Buffer.from('0123456789abcdef'))).toBe(encrypted)
  })

  it('signs and seals the recorded answer', () => {
    const reply = golden('reply-encrypted.xml').toString()
    const encrypted = /<Encrypt><!\[CDATA\[(.*)\]\]>/.exec(reply)?.[1] ?? ''
    const inside = decrypt(encrypted, cipher) ?? ''
    expect(encrypt(inside, cipher, Buffer.from('fedcba9876543210'))).toBe(encrypted)
    expect(reply).toContain(sign(token, '1773619201', '1234567890', encrypted))
  })

  it('never throws and opens nothing that was changed by a single character', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    fc.assert(
      fc.property(text, fc.nat(), fc.nat({ max: 62 }), (words, place, step) => {
        const sealed = encrypt(words, cipher, random)
        const body = sealed.replace(/=+$/, '')
        // The last character may hold bits that belong to nothing.
        const at = place % (body.length - 1)
        const other = alphabet[(alphabet.indexOf(body[at] ?? 'A') + 1 + step) % 64]
        const opened = decrypt(`${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`, cipher)
        // The first block is random and covers no more; anywhere else the change shows, or garbles the text.
        if (at > 21 && opened !== null) expect(opened).not.toBe(words)
      }),
    )
  })

  it('opens no bytes that anybody makes up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, words) => {
        expect(decrypt(Buffer.from(bytes).toString('base64'), cipher)).toBeNull()
        expect(decrypt(words, cipher)).toBeNull()
      }),
    )
  })

  it('opens what is padded and measured rightly', () => {
    expect(decrypt(raw(plain(5, padding(22))), cipher)).toBe('hello')
  })

  it.each([
    ['padding of zero', plain(5, padding(0))],
    ['padding of 33', plain(5, padding(33))],
    ['padding of different bytes', plain(5, [...padding(22, 21).with(3, 9), 22])],
    ['padding longer than it says', plain(5, padding(21))],
    ['a length of four gigabytes', plain(0xffff_ffff, padding(22))],
    ['a length into the AppID', plain(6, padding(22))],
    ['a length that is too short', plain(4, padding(22))],
    ["another account's AppID", plain(5, padding(22), 'wxfaketestappid02')],
    ['an AppID that only begins with ours', plain(5, padding(21, 21), `${appId}x`)],
    ['no UTF-8', Buffer.concat([plain(5, []).fill(0xff, 20, 25), Buffer.from(padding(22))])],
  ])('refuses %s', (_, bytes) => {
    expect(decrypt(raw(bytes), cipher)).toBeNull()
  })

  it('needs the right key', () => {
    expect(decrypt(seal('hello', account), cipherOf(`Other${aesKey.slice(5)}`, appId))).toBeNull()
  })

  it('sorts what it signs by code unit, as nobody’s language does', () => {
    expect(sign('a', 'B', '1')).toBe(sign('1', 'B', 'a'))
    expect(sign('a', 'B')).toBe(sign('Ba'))
  })
})
