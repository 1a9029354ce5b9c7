import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openKeys } from '../../src/installs/keys.ts'
import { keyFrom, seal, unseal } from '../../src/installs/seal.ts'
import { StateError } from '../../src/store/open.ts'
import { tempDir } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'

const key = keyFrom(randomBytes(32))
const label = { platform: 'fake', install: 'inst_1', name: 'bot' }

describe('a sealed value', () => {
  it('opens with its key under its label, and reads like nothing in between', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const sealed = seal(key, label, text)
        expect(unseal(key, label, sealed)).toBe(text)
        expect(sealed.length).toBe(28 + Buffer.byteLength(text))
      }),
    )
    expect(Buffer.from(seal(key, label, 'a token of ours')).includes('token')).toBe(false)
  })

  it('is another one each time', () => {
    expect(seal(key, label, 'x')).not.toEqual(seal(key, label, 'x'))
  })

  it.each([
    ['another platform', { ...label, platform: 'other' }],
    ['another installation', { ...label, install: 'inst_2' }],
    ['another name', { ...label, name: 'refresh' }],
    // Joined without care these would be the same label.
    ['a label that only reads alike', { platform: 'fake', install: 'inst_1","bot', name: '' }],
  ])('does not open for %s', (_, other) => {
    expect(unseal(key, other, seal(key, label, 'x'))).toBeNull()
  })

  it('does not open with another key', () => {
    expect(unseal(keyFrom(randomBytes(32)), label, seal(key, label, 'x'))).toBeNull()
  })

  it('does not open when any bit of it was changed, or a piece is missing', () => {
    const sealed = seal(key, label, 'a token of ours')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(unseal(key, label, changed)).toBeNull()
    }
    for (let length = 0; length < sealed.length; length++)
      expect(unseal(key, label, sealed.subarray(0, length))).toBeNull()
  })

  it('has a key whose name does not give it away', () => {
    expect(key.id).toMatch(/^[0-9a-f]{16}$/)
    expect(Buffer.from(key.bytes).toString('hex')).not.toContain(key.id)
  })
})

describe('the key', () => {
  const open = (stateDir: string, configured: string | null = null, log = keepingLog()) =>
    openKeys({ stateDir, configured, log })

  it('is made when it is wanted, for its user alone, and found again', () => {
    const dir = tempDir()
    const keys = open(dir)
    expect(keys.known()).toEqual([])
    const made = keys.current()
    expect(statSync(join(dir, 'secret.key')).mode & 0o777).toBe(0o600)
    expect(open(dir).current()).toEqual(made)
    expect(open(dir).find(made.id)).toEqual(made)
  })

  it('is the configured one in any spelling, and leaves no file', () => {
    const bytes = randomBytes(32)
    const dir = tempDir()
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(open(dir, bytes.toString(form)).current()).toEqual(keyFrom(bytes))
    expect(() => statSync(join(dir, 'secret.key'))).toThrow('ENOENT')
  })

  it('that was configured later stands beside the one in the file', () => {
    const dir = tempDir()
    const before = open(dir).current()
    const keys = open(dir, randomBytes(32).toString('hex'))
    expect(keys.current()).not.toEqual(before)
    expect(keys.find(before.id)).toEqual(before)
    expect(keys.find('0'.repeat(16))).toBeNull()
  })

  it('that others could read is closed to them, and said', () => {
    const dir = tempDir()
    open(dir).current()
    chmodSync(join(dir, 'secret.key'), 0o644)
    const log = keepingLog()
    open(dir, null, log)
    expect(statSync(join(dir, 'secret.key')).mode & 0o777).toBe(0o600)
    expect(log.lines.join()).toContain('could be read by others')
    expect(log.lines.join()).not.toContain(readFileSync(join(dir, 'secret.key'), 'utf8').trim())
  })

  it.each(['', 'half a key', 'A'.repeat(42)])(
    'that is no key (%j) stops the start instead of being replaced',
    (text) => {
      const dir = tempDir()
      writeFileSync(join(dir, 'secret.key'), text, { mode: 0o600 })
      expect(() => open(dir)).toThrow(StateError)
      expect(() => open(dir)).toThrow('holds no key of 32 bytes')
    },
  )
})
