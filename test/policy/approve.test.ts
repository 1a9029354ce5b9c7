import { describe, expect, it } from 'vitest'
import { mayDecide, type Pending } from '../../policy/approve.ts'

const pending: Pending = { requestedBy: 'telegram:eve', state: 'pending', expiresAt: 1000 }
const boss = { id: 'telegram:boss', admin: true }

describe('a pending approval', () => {
  it('may be decided by an admin until it expires', () => {
    expect(mayDecide(pending, boss, 999)).toEqual({ kind: 'allow', self: false })
    expect(mayDecide(pending, boss, 1000)).toEqual({ kind: 'deny', why: 'expired' })
    expect(mayDecide({ ...pending, expiresAt: null }, boss, 1e15)).toEqual({ kind: 'allow', self: false })
  })

  it('may be decided by the admin who asked for it, which is said', () => {
    expect(mayDecide({ ...pending, requestedBy: boss.id }, boss, 0)).toEqual({ kind: 'allow', self: true })
  })

  it('may not be decided by the stranger who asked for it, or by anyone else', () => {
    for (const id of ['telegram:eve', 'telegram:ann']) {
      expect(mayDecide(pending, { id, admin: false }, 0)).toEqual({ kind: 'deny', why: 'not-approver' })
    }
  })

  it('of an unknown requester belongs to nobody', () => {
    expect(mayDecide({ ...pending, requestedBy: null }, boss, 0)).toEqual({ kind: 'allow', self: false })
  })
})

describe('a decided approval', () => {
  it('answers who decided, also after its time', () => {
    const decided: Pending = { ...pending, state: 'approved', decidedBy: 'telegram:ann' }
    expect(mayDecide(decided, boss, 5000)).toEqual({
      kind: 'deny',
      why: 'decided',
      state: 'approved',
      by: 'telegram:ann',
    })
    expect(mayDecide({ ...pending, state: 'rejected' }, boss, 0)).toMatchObject({ why: 'decided', by: null })
  })

  it('tells strangers nothing', () => {
    const decided: Pending = { ...pending, state: 'rejected', decidedBy: 'telegram:ann' }
    expect(mayDecide(decided, { id: 'x:y', admin: false }, 0)).toEqual({ kind: 'deny', why: 'not-approver' })
  })
})

it('an expired approval stays expired, whatever its time says', () => {
  expect(mayDecide({ ...pending, state: 'expired' }, boss, 0)).toEqual({ kind: 'deny', why: 'expired' })
})
