import { describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import type { PerformDeps } from '../../src/commands/perform.ts'
import type { InboundEvent } from '../../src/contract/index.ts'
import { prepare, writeParts } from '../../src/delivery/post.ts'
import { addAction } from '../../src/store/actions.ts'
import { changeJob, jobsOf } from '../../src/store/jobs.ts'
import { setContact } from '../../src/store/memo.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { ok } from '../jobs/backend-kit.ts'
import { address } from '../kit/core.ts'
import { type CommandRig, commandRig } from './kit.ts'

/** The same people in two tenants: an admin is one everywhere, and sees one tenant at a time. */
const inTenant = (tenant: string | undefined): Partial<InboundEvent> => ({
  where: address({ chat: `chat of ${tenant}`, ...(tenant ? { tenant } : {}) }),
})
const [acme, umbrella, none] = ['acme', 'umbrella', undefined].map(inTenant) as [
  Partial<InboundEvent>,
  Partial<InboundEvent>,
  Partial<InboundEvent>,
]

const promptOf = (rig: CommandRig, tenant: string): string => {
  const [job] = jobsOf(rig.db, 'fake:ann', 1, tenant)
  if (!job?.promptId) throw new Error(`no job of ${tenant} was submitted`)
  return job.promptId
}

/** Ann runs something in each tenant. */
const busy = async () => {
  const cancelled: string[] = []
  const calls: Partial<Backend> = {
    cancel: async (ids) => {
      cancelled.push(...ids)
      return ok({ host: 'jobs', asked: ids, cancelled: true })
    },
    interruptAll: async () => {
      cancelled.push('whatever runs')
      return ok(true)
    },
  }
  const rig = commandRig({ calls })
  await rig.say('ann', '/run portrait an acme fox', acme)
  await rig.say('ann', '/run portrait an umbrella', umbrella)
  return { rig, cancelled, ofAcme: promptOf(rig, 'acme'), ofUmbrella: promptOf(rig, 'umbrella') }
}

/** A stranger asks in each tenant; the ids of the requests. */
const asked = async () => {
  const rig = commandRig()
  await rig.say('eve', '/run portrait an acme fox', acme)
  await rig.say('eve', '/run portrait an umbrella', umbrella)
  const ids = ['acme', 'umbrella'].map((tenant) => jobsOf(rig.db, 'fake:eve', 1, tenant)[0]?.approvalId ?? '')
  return { rig, ofAcme: ids[0] ?? '', ofUmbrella: ids[1] ?? '' }
}

describe('jobs of one tenant', () => {
  test('are in /jobs of that tenant only, for their owner and for an admin', async () => {
    const { rig, ofAcme, ofUmbrella } = await busy()
    for (const who of ['ann', 'boss']) {
      expect(await rig.say(who, '/jobs', umbrella)).not.toContain(ofAcme)
      expect(await rig.say(who, '/jobs', acme)).not.toContain(ofUmbrella)
      expect(await rig.say(who, '/jobs', none)).not.toMatch(new RegExp(`${ofAcme}|${ofUmbrella}`))
    }
    expect(await rig.say('boss', '/jobs', acme)).toContain(`${ofAcme} portrait by ANN`)
    expect(await rig.say('ann', '/status', none)).not.toContain('Your open jobs')
  })

  test('are in /history of that tenant only, by their id too', async () => {
    const { rig, ofAcme } = await busy()
    expect(await rig.say('ann', '/history', acme)).toContain(ofAcme)
    for (const elsewhere of [umbrella, none]) {
      expect(await rig.say('ann', '/history', elsewhere)).not.toContain(ofAcme)
      for (const who of ['ann', 'boss']) {
        const answer = await rig.say(who, `/history ${ofAcme}`, elsewhere)
        expect(answer).not.toContain('an acme fox')
        const ofNobody = await rig.say(who, '/history prompt-none', elsewhere)
        expect(answer).toBe(ofNobody.replaceAll('prompt-none', ofAcme))
      }
    }
    expect(await rig.say('boss', `/history ${ofAcme}`, acme)).toContain('an acme fox')
  })

  test('have a /trace there only', async () => {
    const { rig, ofAcme } = await busy()
    expect(await rig.say('boss', `/trace ${ofAcme}`, acme)).toContain('asked for portrait')
    expect(await rig.say('boss', `/trace ${ofAcme}`, umbrella)).not.toContain('portrait')
    expect(await rig.say('boss', `/trace ${ofAcme}`, none)).not.toContain('portrait')
  })

  test('can’t be cancelled from another, neither by id nor by beginning nor all at once', async () => {
    const { rig, cancelled, ofAcme, ofUmbrella } = await busy()
    const id = jobsOf(rig.db, 'fake:ann', 1, 'acme')[0]?.id ?? ''
    for (const line of [`/stop ${ofAcme}`, `/stop ${id}`, `/cancel ${id.slice(0, 5)}`, '/stop'])
      for (const who of ['boss', 'ann']) await rig.say(who, line, none)
    await rig.say('boss', `/stop ${ofAcme}`, umbrella)
    // An id of our own means nothing to the backend.
    expect(cancelled.filter((one) => !id.startsWith(one))).toEqual([])
    expect(rig.job(id)).toMatchObject({ state: 'queued', cancelBy: undefined })
    await rig.say('boss', `/stop ${ofUmbrella}`, umbrella)
    expect(cancelled).toContain(ofUmbrella)
  })

  test('that run are what /stop without an id stops, and nothing else', async () => {
    const { rig, cancelled, ofAcme } = await busy()
    for (const tenant of ['acme', 'umbrella'])
      changeJob(rig.db, jobsOf(rig.db, 'fake:ann', 1, tenant)[0]?.id ?? '', { state: 'running' })
    await rig.say('boss', '/stop', acme)
    expect(cancelled).toEqual([ofAcme])
  })

  test('started elsewhere belong to the default tenant', async () => {
    const { rig, cancelled } = await busy()
    const fired = await rig.comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: 'of the page' })
    const page = fired.ok && fired.value.kind === 'queued' ? fired.value.promptId : ''
    expect(await rig.say('boss', '/jobs', none)).toContain(page)
    for (const tenant of [acme, umbrella]) {
      expect(await rig.say('boss', '/jobs', tenant)).not.toContain(page)
      expect(await rig.say('boss', `/stop ${page}`, tenant)).toContain(page)
      expect(await rig.say('boss', `/trace ${page}`, tenant)).not.toContain('in the queue')
    }
    expect(cancelled).toEqual([])
  })
})

describe('requests of one tenant', () => {
  test('are in /approvals of that tenant only', async () => {
    const { rig, ofAcme, ofUmbrella } = await asked()
    const shown = await rig.reply('boss', '/approvals', acme)
    expect(shown?.text).toContain(ofAcme)
    expect(JSON.stringify(shown)).not.toContain(ofUmbrella)
    expect(await rig.say('boss', '/approvals', none)).toBe('No pending approvals.')
  })

  test('can be decided there only; elsewhere they do not exist', async () => {
    const { rig, ofAcme } = await asked()
    for (const elsewhere of [umbrella, none])
      for (const verb of ['/approve', '/reject'])
        expect(await rig.say('boss', `${verb} ${ofAcme}`, elsewhere)).toBe(
          (await rig.say('boss', `${verb} apr_none`, elsewhere)).replace('apr_none', ofAcme),
        )
    expect(rig.comfy.approvals.get(ofAcme)?.status).toBe('pending')
    expect(await rig.say('boss', `/approve ${ofAcme}`, acme)).toContain('[Approved]')
  })

  test('that did not come through us are the default tenant’s', async () => {
    const rig = commandRig()
    await rig.comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: 'of the page', requireApproval: true })
    const [id = ''] = rig.comfy.approvals.keys()
    expect(await rig.say('boss', '/approvals', acme)).toBe('No pending approvals.')
    expect(await rig.say('boss', `/approve ${id}`, acme)).not.toContain('[Approved]')
    expect(await rig.say('boss', '/approvals', none)).toContain(id)
    expect(await rig.say('boss', `/approve ${id}`, none)).toContain('[Approved]')
  })

  test('are told to approvers who were last seen there, nobody else', async () => {
    const rig = commandRig()
    setContact(rig.db, 'fake:boss', address({ chat: 'boss at umbrella', tenant: 'umbrella' }), 1)
    await rig.say('eve', '/run portrait an acme fox', acme)
    expect(rig.texts().join('\n')).not.toContain('an acme fox')
    await rig.say('eve', '/run portrait an umbrella', umbrella)
    expect(rig.texts().join('\n')).toContain('an umbrella')
  })
})

describe('a button', () => {
  const seed = {
    say: '/whoami',
    only: null,
    once: null,
    platform: 'fake',
    workspace: null,
    chat: 'c1',
    expiresAtMs: 9e15,
  }
  const press = (action: string, tenant?: string): Partial<InboundEvent> => ({
    body: { kind: 'press', action },
    where: address(tenant ? { tenant } : {}),
  })

  test('of one tenant is dead in another, though the chat has the same id', async () => {
    const rig = commandRig()
    addAction(rig.db, { ...seed, id: 'of-acme', tenant: 'acme' })
    expect(await rig.say('boss', '', press('of-acme', 'umbrella'))).not.toContain('You are')
    expect(await rig.say('boss', '', press('of-acme'))).not.toContain('You are')
    expect(await rig.say('boss', '', press('of-acme', 'acme'))).toContain('You are')
  })

  test('belongs to the tenant of the chat it was sent to', async () => {
    const rig = commandRig()
    const to = address({ tenant: 'acme' })
    const reply = { text: 'x', audience: 'everyone' as const, buttons: [{ label: 'Go', say: '/whoami', ttlMs: 1e9 }] }
    const deps = { now: rig.clock.now, newId: () => 'action-1', canLink: false, capabilities: () => capabilities({}) }
    const prepared = prepare({ to, reply, key: 'k' }, deps)
    if (!prepared) throw new Error('not planned')
    writeParts(rig.db, prepared, rig.clock.now())
    expect(await rig.say('boss', '', press('action-1', 'umbrella'))).not.toContain('You are')
    expect(await rig.say('boss', '', press('action-1', 'acme'))).toContain('You are')
  })
})

test('a command asks the backend as the tenant it is said in', async () => {
  const seen: string[] = []
  const asTenant: PerformDeps['asTenant'] = (tenant) => {
    seen.push(tenant)
    return {} as PerformDeps
  }
  const rig = commandRig({ deps: { asTenant } })
  for (const where of [acme, umbrella, none]) await rig.say('boss', '/schedules', where)
  expect(seen).toEqual(['acme', 'umbrella', 'default'])
})
