import { describe, expect, it } from 'vitest'
import { asked, backendAt, nobody, openHost, replay } from './host.ts'

const a = '8faecc5d-9e97-4719-b8a4-b2afb010f127'
const b = '5970b139-6d85-4a27-a82f-80e69dfc04e8'
const cancelled = replay('comfy-api-jobs-cancel-running')
const nothing = replay('comfy-api-jobs-cancel-unknown')
const classic = {
  [`POST /api/jobs/${a}/cancel`]: replay('comfy-api-jobs-cancel-unsupported__comfy-0.3.64'),
  'POST /api/jobs/cancel': replay('comfy-api-jobs-cancel-batch-unsupported__comfy-0.3.64'),
  'POST /queue': replay('comfy-queue-delete-pending'),
  'POST /api/interrupt': replay('comfy-interrupt-running__comfy-0.3.64'),
}

describe('cancel on a host with jobs routes', () => {
  it('asks for one job, or for several at once', async () => {
    await using host = await openHost({ [`POST /api/jobs/${a}/cancel`]: cancelled, 'POST /api/jobs/cancel': cancelled })
    const backend = backendAt(host.url)
    expect(await backend.cancel([a])).toMatchObject({ ok: true, value: { host: 'jobs', asked: [a], cancelled: true } })
    expect(await backend.cancel([a, b, a])).toMatchObject({ ok: true, value: { asked: [a, b], cancelled: true } })
    expect(asked(host)).toEqual([`POST /api/jobs/${a}/cancel`, 'POST /api/jobs/cancel'])
    expect(host.seen[1]?.body).toBe(JSON.stringify({ job_ids: [a, b] }))
  })

  it('says when there was nothing to cancel', async () => {
    await using host = await openHost({ [`POST /api/jobs/${a}/cancel`]: nothing })
    expect(await backendAt(host.url).cancel([a])).toMatchObject({ ok: true, value: { cancelled: false } })
  })

  it('asks one by one when the batch would be refused for an id that is no UUID', async () => {
    await using host = await openHost({
      [`POST /api/jobs/${a}/cancel`]: cancelled,
      'POST /api/jobs/mine/cancel': nothing,
    })
    expect(await backendAt(host.url).cancel([a, 'mine'])).toMatchObject({ ok: true, value: { cancelled: true } })
    expect(asked(host).toSorted()).toEqual([`POST /api/jobs/${a}/cancel`, 'POST /api/jobs/mine/cancel'])
  })

  it('touches nothing else when the host refuses', async () => {
    await using host = await openHost({
      ...classic,
      [`POST /api/jobs/${a}/cancel`]: { status: 403, json: { error: 'no' } },
    })
    const backend = backendAt(host.url)
    expect(await backend.cancel([a])).toMatchObject({ ok: false, kind: 'denied' })
    expect(asked(host)).toEqual([`POST /api/jobs/${a}/cancel`])
  })
})

describe('cancel on an older host', () => {
  it('takes it out of the queue, then interrupts just this job, and remembers the host', async () => {
    await using host = await openHost(classic)
    const backend = backendAt(host.url)
    const first = await backend.cancel([a])
    expect(first).toMatchObject({ ok: true, value: { host: 'classic', asked: [a], cancelled: null } })
    expect(asked(host)).toEqual([`POST /api/jobs/${a}/cancel`, 'POST /queue', 'POST /api/interrupt'])
    expect(host.seen.map((entry) => JSON.parse(entry.body)).slice(1)).toEqual([{ delete: [a] }, { prompt_id: a }])
    await backend.cancel([a])
    expect(asked(host).slice(3)).toEqual(['POST /queue', 'POST /api/interrupt'])
  })

  it('does the same for several and never interrupts without naming a job', async () => {
    await using host = await openHost(classic)
    expect(await backendAt(host.url).cancel([a, b])).toMatchObject({
      ok: true,
      value: { host: 'classic', asked: [a, b] },
    })
    const interrupts = host.seen
      .filter((entry) => entry.path === '/api/interrupt')
      .map((entry) => JSON.parse(entry.body))
    expect(interrupts).toHaveLength(2)
    expect(interrupts).toEqual(expect.arrayContaining([{ prompt_id: a }, { prompt_id: b }]))
  })

  it('still interrupts where the queue cannot be changed', async () => {
    await using host = await openHost({ 'POST /api/interrupt': { status: 200 } })
    expect(await backendAt(host.url).cancel([a])).toMatchObject({ ok: true, value: { host: 'classic' } })
  })

  it('reports half a success as a failure that may have had an effect', async () => {
    await using host = await openHost({ ...classic, 'POST /api/interrupt': { status: 500, text: 'crash' } })
    expect(await backendAt(host.url).cancel([a])).toMatchObject({ ok: false, kind: 'refused', effect: 'maybe' })
  })

  it('is unsupported where nothing works', async () => {
    await using host = await openHost({})
    expect(await backendAt(host.url).cancel([a])).toMatchObject({ ok: false, effect: 'none' })
  })
})

describe('interruptAll', () => {
  it('sends no body, so that whatever runs stops', async () => {
    await using host = await openHost({ 'POST /api/interrupt': replay('comfy-interrupt-global-idle') })
    expect(await backendAt(host.url).interruptAll()).toMatchObject({ ok: true })
    expect(host.seen[0]?.body).toBe('')
  })

  it('is down when nobody is there', async () => {
    expect(await backendAt(await nobody()).cancel([a])).toMatchObject({ ok: false, kind: 'down', effect: 'none' })
  })
})
