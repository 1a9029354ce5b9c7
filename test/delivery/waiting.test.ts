import { describe, expect, test } from 'vitest'
import type { Capabilities, Part } from '../../src/contract/index.ts'
import { laneOf } from '../../src/contract/index.ts'
import { joined } from '../../src/delivery/mailbox.ts'
import { prepare } from '../../src/delivery/post.ts'
import { makeRegain } from '../../src/delivery/regain.ts'
import { giveUpAfterMs } from '../../src/delivery/retry.ts'
import { type SettleDeps, settle } from '../../src/delivery/settle.ts'
import { type KeptEvent, keepEvent } from '../../src/store/inbox.ts'
import { addPart, partRow } from '../../src/store/outbox.ts'
import { address, event, makeClock, part, standIn, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { capabilities } from './plan-kit.ts'

const handle = { kind: 'token' as const, value: 't', expiresAt: 9e15 }
const answering = (answer: Partial<Capabilities['answer']>, items = 1): Capabilities =>
  capabilities({
    answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: null, ...answer },
    call: { items },
  })

const rig = (caps: Capabilities) => {
  const clock = makeClock()
  const { store, db } = testStore(clock.now)
  let ids = 0
  const deps: SettleDeps = {
    store,
    log: keepingLog(),
    now: clock.now,
    newId: () => `id${ids++}`,
    canLink: false,
    capabilities: () => caps,
  }
  const waits = (...parts: readonly Part[]): void => {
    for (const one of parts) addPart(db, { part: one, state: 'mailbox' }, 1)
  }
  const answer = async (text: string | null, { id = 'e1', slot = false } = {}) => {
    const kept = keepEvent(db, event(id, '/help'), laneOf(address()), 'run', 1) as KeptEvent
    const reply = text === null ? null : { text, audience: 'everyone' as const }
    return settle(kept, { reply, record: '/help', explicit: true, contacts: [] }, caps, slot, deps)
  }
  const states = (...keys: readonly string[]) => keys.map((key) => partRow(db, key)?.state ?? null)
  return { clock, store, db, deps, waits, answer, states }
}

describe('what waited until its person wrote again', () => {
  test('is sent where messages may follow theirs, before the answer, and also when they get none', async () => {
    const { waits, answer, states, db } = rig(answering({ windowMs: 1000 }))
    waits(part('old'))
    expect((await answer('hello')).lanes).toContain(laneOf(address()))
    expect(states('old', 'e1#0')).toEqual(['queued', 'queued'])
    const order = db.sql(`SELECT key FROM outbox ORDER BY seq`).all()
    expect(order.map(({ key }) => key)).toEqual(['old', 'e1#0'])
    waits(part('older'))
    await answer(null, { id: 'e2' })
    expect(states('older')).toEqual(['queued'])
  })

  test('is as young as anything else then: after days of waiting the first trouble is not its end', async () => {
    const days = 3 * giveUpAfterMs
    const { clock, waits, answer, db } = rig(answering({ windowMs: 1000 }))
    waits(part('old'))
    clock.set(clock.now() + days)
    await answer('hello')
    expect(partRow(db, 'old')?.createdAtMs).toBe(clock.now())
  })

  test('is sent beside the answer of an open request', async () => {
    const { waits, answer, states } = rig(answering({ inlineMs: 4000, push: 'quota', windowMs: 1000 }))
    waits(part('old'))
    expect((await answer('hello', { slot: true })).first?.key).toBe('e1#0')
    expect(states('old', 'e1#0')).toEqual(['queued', 'offered'])
  })

  test('stays where it is where nobody can be told anything first', async () => {
    const { waits, answer, states } = rig(answering({ inlineMs: 4000, push: 'never', windowMs: 1000 }))
    waits(part('old'))
    await answer('hello', { slot: true })
    expect(states('old')).toEqual(['mailbox'])
  })
})

describe('a token that pays for one call', () => {
  const mute = answering({ tokenMs: 60_000, push: 'never' }, 3)

  test('takes nothing along in an answer that was written before', () => {
    const { waits, db, deps, states } = rig(mute)
    waits(part('a'))
    addPart(db, { part: part('job#0') }, 1)
    const out = { to: address(), key: 'job', handle, reply: { text: 'done', audience: 'everyone' as const } }
    const prepared = prepare(out, deps)
    expect(prepared && joined(db, prepared, 1)).toBe(prepared)
    expect(states('a')).toEqual(['mailbox'])
  })
})

describe('a quota that is there again', () => {
  const live = new AbortController().signal
  const regaining = (windowMs: number | null = null) => {
    let open = false
    const asked: string[] = []
    const woken: string[] = []
    const { store, clock, waits, states } = rig(answering({}))
    const { adapter } = standIn(clock)
    const outlet = () => ({
      adapter: { ...adapter, quota: async () => null },
      capabilities: answering({ push: open ? 'quota' : 'never', windowMs }),
    })
    const quotas = async () => {
      asked.push('asked')
      return [{ name: 'Fake', quota: { used: 1, limit: 2 } }]
    }
    const platforms = { outlet, outlets: () => [{ platform: 'fake' }], quotas }
    const regain = makeRegain({ store, now: clock.now, platforms, wake: (lanes) => void woken.push(...lanes) })
    const reopen = (): void => {
      open = true
    }
    return { regain, waits, states, asked, woken, reopen }
  }

  test('lets go what waited for it, as soon as somebody asks for it', async () => {
    const { regain, waits, states, woken, reopen } = regaining()
    waits(part('a'), part('b', { to: address({ chat: 'c2' }) }), part('c', { to: address({ platform: 'fakes' }) }))
    expect(await regain.quotas(live)).toMatchObject([{ name: 'Fake' }])
    expect(states('a', 'b', 'c')).toEqual(['mailbox', 'mailbox', 'mailbox'])
    reopen()
    await regain.quotas(live)
    expect(states('a', 'b', 'c')).toEqual(['queued', 'queued', 'mailbox'])
    expect(woken.toSorted()).toEqual([laneOf(address()), laneOf(address({ chat: 'c2' }))])
  })

  test('is looked for only while something waits, and where nothing but it keeps us from speaking', async () => {
    const { regain, waits, asked } = regaining()
    await regain.look(live)
    expect(asked).toEqual([])
    waits(part('a'))
    await regain.look(live)
    expect(asked).toEqual(['asked'])
    const windowed = regaining(1000)
    windowed.waits(part('a'))
    windowed.reopen()
    await windowed.regain.look(live)
    expect([windowed.asked, windowed.states('a')]).toEqual([[], ['mailbox']])
  })
})
