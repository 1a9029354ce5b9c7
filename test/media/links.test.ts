import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLinks, type LinksOptions } from '../../src/media/links.ts'
import { newId } from './media-kit.ts'

const key = randomBytes(32)
const links = (over: Partial<LinksOptions> = {}) =>
  createLinks({ key, base: 'https://bot.example/', ttlMs: 300_000, now: () => 1_000_000, ...over })
const tokenOf = (link: string | null): string => link?.split('/').at(-1) ?? ''

describe('links', () => {
  test('stand for a blob until they expire', () => {
    let nowMs = 1_000_000
    const made = links({ now: () => nowMs })
    const id = newId()
    const link = made.link(id)
    expect(link).toMatch(/^https:\/\/bot\.example\/media\/[A-Za-z0-9_-]{52}$/)
    expect(made.check(tokenOf(link))).toEqual({ blob: id, expiresAtMs: 1_300_000 })
    nowMs = 1_299_999
    expect(made.check(tokenOf(link))?.blob).toBe(id)
    nowMs = 1_300_000
    expect(made.check(tokenOf(link))).toBeNull()
  })

  test('are checked by any process that has the key', () => {
    const id = newId()
    expect(links({ base: null }).check(tokenOf(links().link(id)))?.blob).toBe(id)
    expect(links({ key: randomBytes(32) }).check(tokenOf(links().link(id)))).toBeNull()
  })

  test('keep the path of the public address', () => {
    const made = links({ base: 'https://bot.example/claw', path: '/files' })
    expect(made.link(newId())).toMatch(/^https:\/\/bot\.example\/claw\/files\//)
  })

  test('can not be made without a public address', () => {
    expect(links({ base: null }).link(newId())).toBeNull()
  })

  test('are refused when any character differs', () => {
    const token = tokenOf(links().link(newId()))
    const others = fc.constantFrom(...'ABCXYZabcxyz0123456789-_+/=. ')
    fc.assert(
      fc.property(fc.nat(token.length - 1), others, (at, other) => {
        fc.pre(token[at] !== other)
        expect(links().check(token.slice(0, at) + other + token.slice(at + 1))).toBeNull()
      }),
    )
  })

  test('are refused when they are longer, shorter or nonsense', () => {
    const token = tokenOf(links().link(newId()))
    for (const wrong of [
      '',
      token.slice(1),
      `${token}A`,
      `${token}=`,
      `${token}\n`,
      '../../etc/passwd',
      'é'.repeat(52),
    ])
      expect(links().check(wrong)).toBeNull()
  })

  test('need a real key and a real id', () => {
    expect(() => links({ key: randomBytes(15) })).toThrow(RangeError)
    expect(() => links().link('../x')).toThrow('not the id')
  })
})
