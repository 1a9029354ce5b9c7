import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/backend/http.ts'
import { outcomeOf } from '../../src/backend/outcome.ts'
import { foldProgress, startProgress } from '../../src/backend/progress.ts'
import { watchSocket } from '../../src/backend/socket.ts'
import { whyNot } from '../../src/commands/command.ts'
import { openSimulator, type Simulator } from '../../src/simulator/index.ts'
import { sleep } from '../kit/deps.ts'
import { backendAt } from './host.ts'

const token = 'test-admin-token'

const got = <T>(answer: Answer<T>): T => {
  if (!answer.ok) throw new Error(answer.detail)
  return answer.value
}

async function simulated(options: Parameters<typeof openSimulator>[0] = {}) {
  const simulator: Simulator = await openSimulator({ adminToken: token, stepMs: 2, ...options })
  const close = async () => {
    await simulator.close()
    expect(simulator.control.faults()).toEqual([])
  }
  return { ...simulator, backend: backendAt(simulator.url), [Symbol.asyncDispose]: close }
}

const fireOne = async (backend: ReturnType<typeof backendAt>, templateId: string, traceId: string): Promise<string> => {
  const fired = got(await backend.fire({ templateId, inputs: { prompt: 'a fox', seed: traceId.length }, traceId }))
  if (fired.kind !== 'queued') throw new Error(fired.kind)
  return fired.promptId
}

describe.each(['new', 'old'] as const)('a whole backend, %s host', (host) => {
  it('runs a job: queue, adopted progress, history, files', async () => {
    await using sim = await simulated({ host })
    const { backend, control } = sim
    control.pause()
    const promptId = await fireOne(backend, 'portrait', 'trace-run')
    const { running, pending } = got(await backend.queue())
    const [entry] = [...running, ...pending]
    expect(entry).toMatchObject({ promptId, traceId: 'trace-run', clientId: expect.any(String), nodeCount: 7 })

    let state = startProgress(promptId, entry?.nodeCount ?? null)
    const seen: string[] = []
    const over = Promise.withResolvers<void>()
    const up = Promise.withResolvers<void>()
    const stop = new AbortController()
    const watching = watchSocket({
      url: sim.url,
      clientId: () => entry?.clientId ?? '',
      WebSocket: globalThis.WebSocket,
      onUp: up.resolve,
      onMessage: (type, data) => {
        state = foldProgress(state, type, data)
        if (state.shown !== null) seen.push(`${state.shown.node} ${state.shown.step}/${state.shown.of}`)
        if (type === 'executing' && data.node === null) over.resolve()
      },
      now: Date.now,
      sleep,
      random: Math.random,
    })(stop.signal)
    await up.promise
    control.resume()
    await over.promise
    stop.abort()
    await watching
    expect(seen).toEqual(expect.arrayContaining(['3 1/20', '3 20/20']))
    expect(state.shown).toBeNull()

    const history = got(await backend.history(promptId))
    if (history === null) throw new Error('not in the history')
    const outcome = outcomeOf(history)
    expect(outcome).toMatchObject({ kind: 'done', traceId: 'trace-run', files: [{ kind: 'image', type: 'output' }] })
    const [file] = outcome.files
    if (file === undefined) throw new Error('no file')
    const picture = got(await backend.view(file))
    expect(picture.headers.get('content-type')).toBe('image/png')
    expect(
      Buffer.from(await picture.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG')
    const recent = got(await backend.historyRecent(10))
    expect(recent.find((one) => one.traceId === 'trace-run')?.promptId).toBe(promptId)
  })

  it('cancels what waits and what runs', async () => {
    await using sim = await simulated({ host })
    const { backend, control } = sim
    const first = await fireOne(backend, 'slow', 'trace-1')
    const second = await fireOne(backend, 'slow', 'trace-22')
    await control.busy()
    expect(await backend.cancel([second])).toMatchObject({
      ok: true,
      value: { host: host === 'new' ? 'jobs' : 'classic' },
    })
    expect(got(await backend.queue())).toMatchObject({ running: [{ promptId: first }], pending: [] })
    expect(await backend.cancel([first, second])).toMatchObject({ ok: true })
    await control.idle()
    const entry = got(await backend.history(first))
    expect(entry && outcomeOf(entry).kind).toBe('cancelled')
    expect(got(await backend.history(second))).toBeNull()
  })

  it('finds out what became of a submission without an answer by sending it again', async () => {
    await using sim = await simulated({ host })
    const { backend, control } = sim
    const trigger = { templateId: 'portrait', inputs: {}, traceId: 'trace-lost' }
    control.dropAnswerOnce('POST /openclaw/triggers/fire')
    const lost = await backend.fire(trigger, { timeoutMs: 500 })
    expect(lost).toMatchObject({ ok: false, kind: 'unanswered', effect: 'maybe' })
    expect(await backend.fire(trigger)).toMatchObject({ ok: true, value: { kind: 'queued', deduped: true } })
    expect(control.jobs()).toHaveLength(1)
    control.failNextSubmit(400)
    const refused = { ...trigger, traceId: 'trace-refused' }
    expect(await backend.fire(refused)).toMatchObject({
      ok: false,
      kind: 'refused',
      code: 'workflow_refused',
      effect: 'none',
    })
    expect(await backend.fire(refused)).toMatchObject({ ok: true, value: { kind: 'burnt' } })
  })

  it('says why a job failed', async () => {
    await using sim = await simulated({ host })
    const promptId = await fireOne(sim.backend, 'broken', 'trace-broken')
    await sim.control.idle()
    const entry = got(await sim.backend.history(promptId))
    expect(entry && outcomeOf(entry)).toMatchObject({ kind: 'failed', failure: { firstLine: 'out of paint' } })
  })

  it('shows the jobs view or says that it has none', async () => {
    await using sim = await simulated({ host })
    await fireOne(sim.backend, 'portrait', 'trace-view')
    await sim.control.idle()
    const answer = await sim.backend.jobs({ limit: 5 })
    if (host === 'new') expect(got(answer)).toMatchObject({ total: 1, jobs: [{ status: 'completed' }] })
    else expect(answer).toMatchObject({ kind: 'unsupported', code: 'jobs_host_contract_unsupported' })
  })
})

describe('a whole backend', () => {
  it('holds a job for approval and runs it once approved', async () => {
    await using sim = await simulated()
    const { backend } = sim
    const fired = got(await backend.fire({ templateId: 'portrait', inputs: {}, traceId: 't', requireApproval: true }))
    if (fired.kind !== 'approval') throw new Error(fired.kind)
    expect(got(await backend.approvals('pending'))).toMatchObject({
      pendingCount: 1,
      approvals: [{ approvalId: fired.approvalId }],
    })
    const approved = got(await backend.approve(fired.approvalId, { actor: 'chat:1' }))
    expect(approved).toMatchObject({ executed: true, promptId: expect.any(String), approval: { decidedBy: 'chat:1' } })
    expect(await backend.approve(fired.approvalId, { actor: 'chat:2' })).toMatchObject({
      ok: false,
      code: 'already_approved',
    })
    expect(got(await backend.approval(fired.approvalId)).executedPromptId).toBe(approved.promptId)
  })

  it('takes us without a token on the same machine, with it from elsewhere, and nobody else', async () => {
    await using open = await simulated({ adminToken: null })
    expect(await backendAt(open.url, { adminToken: null }).diagnose()).toMatchObject({ state: 'up' })
    // Whoever has no token over there needs one here for admin commands, and any will do.
    expect(await open.backend.diagnose()).toMatchObject({ state: 'up' })
    await fireOne(open.backend, 'portrait', 'trace-no-token-there')
    await using shut = await simulated()
    expect(await backendAt(shut.url, { adminToken: null }).diagnose()).toMatchObject({ state: 'denied' })
    expect(await shut.backend.diagnose()).toMatchObject({ state: 'up' })
    await using far = await simulated({ remote: true, obsToken: 'obs' })
    const unread = await far.backend.templates()
    expect(unread).toMatchObject({ ok: false, kind: 'denied' })
    expect(unread.ok ? '' : whyNot(unread)).toContain('OPENCLAW_CONNECTOR_OBS_TOKEN')
    const undecided = await backendAt(far.url, { adminToken: 'other', obsToken: 'obs' }).schedules()
    expect(undecided.ok ? '' : whyNot(undecided)).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN')
    expect(await backendAt(far.url, { obsToken: 'obs' }).templates()).toMatchObject({ ok: true })
    await using bare = await simulated({ pack: false })
    expect(await bare.backend.diagnose()).toMatchObject({ state: 'pack_missing' })
  })

  it('is down after a crash and back after a restart', async () => {
    await using sim = await simulated()
    expect(got(await sim.backend.health()).packVersion).toBe('1.0.7')
    await sim.control.crash()
    expect(await sim.backend.fire({ templateId: 'portrait', inputs: {}, traceId: 't' })).toMatchObject({
      ok: false,
      kind: 'down',
      effect: 'none',
    })
    await sim.control.restart()
    expect(got(await sim.backend.health()).packVersion).toBe('1.0.7')
  })

  it('answers every other question', async () => {
    await using sim = await simulated()
    const { backend } = sim
    expect(got(await backend.templates()).map((template) => template.id)).toContain('portrait')
    expect(got(await backend.config()).provider).toEqual(expect.any(String))
    expect(got(await backend.capabilities()).features.triggers).toBe(true)
    expect(got(await backend.promptInfo()).queueRemaining).toBe(0)
    expect(got(await backend.systemStats()).devices.length).toBeGreaterThan(0)
    expect(got(await backend.chat({ userMessage: 'hi' })).length).toBeGreaterThan(0)
    expect(got(await backend.schedules())).toEqual(expect.any(Array))
    expect(got(await backend.interruptAll())).toBe(true)
    const uploaded = got(await backend.upload({ bytes: new Blob(['not empty']), name: 'a.png', subfolder: 'chat' }))
    expect(uploaded.input).toBe('chat/a.png')
  })
})
