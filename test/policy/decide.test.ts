import { describe, expect, it } from 'vitest'
import { type Ask, decide } from '../../policy/decide.ts'
import { explain, meaningOf } from '../../policy/explain.ts'
import type { RawRules } from '../../policy/rules.ts'
import { isAdmin, trustOf, type Who } from '../../policy/trust.ts'
import { named, rulesOf, who } from './commands.ts'

const config: Partial<RawRules> = {
  adminUsers: ['boss'],
  trust: [{ platform: 'telegram', users: ['ann'], chats: ['studio'] }],
}
const boss = who('boss')
const ann = who('ann')
const stranger = who('eve')
const claimed = who('boss', { platform: 'kakao', proof: 'none' })

const plain: Ask = { forceApproval: false, hasAdminToken: true }
const says = (command: string, asker: Who, raw: Partial<RawRules> = {}, ask: Partial<Ask> = {}) => {
  const decision = decide(rulesOf({ ...config, ...raw }), named(command), asker, { ...plain, ...ask })
  return `${decision.kind} ${decision.rule}${decision.kind === 'allow' ? ` ${decision.scope}` : ''}`
}

describe('trust', () => {
  const rules = rulesOf(config)

  it.each([
    ['an admin', boss, 'admin', 'admin-user'],
    ['an allowed user', ann, 'trusted', 'trusted-user'],
    ['anyone in an allowed chat', who('eve', { chat: 'studio' }), 'trusted', 'trusted-chat'],
    ['a person listed under an alias', who('x', { ids: ['x', 'ann'] }), 'trusted', 'trusted-user'],
    ['a person of that id on another platform', who('ann', { platform: 'slack' }), 'stranger', 'not-listed'],
    ['someone who only claims to be the admin', claimed, 'stranger', 'unproven-sender'],
    [
      'someone who only claims to be in the chat',
      who('e', { chat: 'studio', proof: 'none' }),
      'stranger',
      'unproven-sender',
    ],
    ['an id of other case', who('ANN'), 'stranger', 'not-listed'],
    ['nobody', who('', { ids: [] }), 'stranger', 'not-listed'],
  ])('%s', (_who, asker, trust, rule) => {
    expect(trustOf(rules, asker)).toEqual({ trust, rule })
    expect(isAdmin(rules, asker)).toBe(trust === 'admin')
  })

  it('of a qualified admin id ends at its platform', () => {
    const qualified = rulesOf({ adminUsers: ['telegram:boss'] })
    expect(isAdmin(qualified, boss)).toBe(true)
    expect(isAdmin(qualified, who('boss', { platform: 'slack' }))).toBe(false)
    expect(isAdmin(qualified, { ...boss, proof: 'none' })).toBe(false)
  })
})

describe('without lists and overrides', () => {
  it.each([
    ['/status', boss, 'allow open all'],
    ['/status', ann, 'allow open own'],
    ['/status', stranger, 'allow open own'],
    ['/status', claimed, 'allow open own'],
    ['/run', boss, 'allow admin-user all'],
    ['/run', ann, 'allow trusted-user own'],
    ['/run', who('eve', { chat: 'studio' }), 'allow trusted-chat own'],
    ['/run', stranger, 'approval not-listed'],
    ['/run', claimed, 'approval unproven-sender'],
    ['/approve', boss, 'allow admin-user all'],
    ['/approve', ann, 'deny admin-only'],
    ['/approve', stranger, 'deny admin-only'],
    ['/approve', claimed, 'deny unproven-sender'],
    ['/stop', boss, 'allow admin-user all'],
    ['/stop', ann, 'allow own own'],
    ['/stop', stranger, 'allow own own'],
    ['/stop', claimed, 'deny unproven-sender'],
  ])('%s by $ids.0 ($proof): %s', (command, asker, expected) => {
    expect(says(command, asker)).toBe(expected)
  })

  it('what costs the operator something is not for strangers, until it is opened by name or by a list', () => {
    expect(says('/chat', stranger)).toBe('deny not-for-strangers')
    expect(says('/chat', claimed)).toBe('deny not-for-strangers')
    expect(says('/chat', ann)).toBe('allow open own')
    expect(says('/chat', boss)).toBe('allow open all')
    expect(says('/chat', stranger, { overridesJson: '{"chat":"public"}' })).toBe('allow open own')
    expect(says('/chat', stranger, { allowPublic: ['eve'] })).toBe('allow listed own')
  })

  it('an approval that was asked for is asked for, also by an admin', () => {
    expect(says('/run', boss, {}, { forceApproval: true })).toBe('approval forced-approval')
    expect(says('/status', boss, {}, { forceApproval: true })).toBe('allow open all')
  })

  it('a missing admin token is told to those who would be let through, to others the privilege they lack', () => {
    const without = { hasAdminToken: false }
    expect(says('/approve', boss, {}, without)).toBe('deny admin-token-missing')
    expect(says('/stop', ann, {}, without)).toBe('deny admin-token-missing')
    expect(says('/approve', stranger, {}, without)).toBe('deny admin-only')
    expect(says('/run', boss, {}, without)).toBe('allow admin-user all')
  })
})

describe('an allow-from list', () => {
  it('of admin is necessary, also for admins, and sufficient', () => {
    const raw = { allowAdmin: ['telegram:eve'] }
    expect(says('/approve', stranger, raw)).toBe('allow listed all')
    expect(says('/approve', boss, raw)).toBe('deny not-in-allow-list')
    expect(says('/history', stranger, raw)).toBe('allow open all')
  })

  it('of run does not spare strangers the approval', () => {
    const raw = { allowRun: ['eve', 'ann'] }
    expect(says('/run', stranger, raw)).toBe('approval not-listed')
    expect(says('/run', ann, raw)).toBe('allow trusted-user own')
    expect(says('/run', boss, raw)).toBe('deny not-in-allow-list')
  })

  it('of public shuts out everyone else, from what is their own too', () => {
    const raw = { allowPublic: ['ann'] }
    expect(says('/status', ann, raw)).toBe('allow listed own')
    expect(says('/status', boss, raw)).toBe('deny not-in-allow-list')
    expect(says('/history', stranger, raw)).toBe('deny not-in-allow-list')
    expect(says('/stop', stranger, raw)).toBe('deny admin-only')
    expect(says('/stop', ann, raw)).toBe('allow own own')
  })

  it('never lifts an unproven sender into admin, and admits it elsewhere only by its qualified id', () => {
    expect(says('/approve', claimed, { allowAdmin: ['kakao:boss'] })).toBe('deny unproven-sender')
    expect(says('/history', claimed, { allowAdmin: ['kakao:boss'] })).toBe('allow open own')
    expect(says('/run', claimed, { allowRun: ['boss'] })).toBe('deny not-in-allow-list')
    expect(says('/run', claimed, { allowRun: ['kakao:boss'] })).toBe('approval unproven-sender')
    expect(says('/status', claimed, { allowPublic: ['boss'] })).toBe('deny not-in-allow-list')
    expect(says('/status', claimed, { allowPublic: ['kakao:boss'] })).toBe('allow listed own')
  })
})

describe('an override', () => {
  const override = (json: string) => ({ overridesJson: json })

  it('closes a command', () => {
    expect(says('/run', ann, override('{"run":"admin"}'))).toBe('deny admin-only')
    expect(says('/run', boss, override('{"run":"admin"}'))).toBe('allow admin-user all')
    expect(says('/history', stranger, override('{"history":"admin"}'))).toBe('deny admin-only')
    expect(says('/chat', stranger, override('{"chat":"run"}'))).toBe('approval not-listed')
  })

  it('opens a command, but never turns a run by a stranger into an execution', () => {
    expect(says('/approve', ann, override('{"approve":"public"}'))).toBe('allow open own')
    expect(says('/run', stranger, override('{"run":"public"}'))).toBe('approval not-listed')
    expect(says('/run', ann, override('{"run":"public"}'))).toBe('allow open own')
  })

  it('opens nothing for unproven senders', () => {
    expect(says('/approve', claimed, override('{"approve":"public"}'))).toBe('deny unproven-sender')
    expect(says('/approve', claimed, override('{"approve":"run"}'))).toBe('deny unproven-sender')
    expect(says('/run', claimed, override('{"run":"public"}'))).toBe('approval unproven-sender')
  })

  it('to admin also takes away what is their own; to a weaker class it leaves it', () => {
    expect(says('/stop', ann, override('{"cancel":"admin"}'))).toBe('deny admin-only')
    expect(says('/stop', stranger, override('{"stop":"run"}'))).toBe('allow own own')
    expect(says('/stop', ann, override('{"stop":"run"}'))).toBe('allow trusted-user own')
  })
})

describe('an explanation', () => {
  it('says the trust, its rule, and what happens per class', () => {
    const { trust, rule, meaning, classes } = explain(rulesOf(config), stranger)
    expect({ trust, rule }).toEqual({ trust: 'stranger', rule: 'not-listed' })
    expect(meaning).toMatch(/list/)
    expect(classes.map((c) => `${c.class} ${c.decision.kind} ${c.decision.rule}`)).toEqual([
      'public allow open',
      'run approval not-listed',
      'admin deny admin-only',
    ])
  })

  it('shows a rule it does not know as it is', () => {
    expect(meaningOf('toString')).toBe('toString')
  })
})
