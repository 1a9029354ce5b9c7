import type { Backend } from '../../src/backend/client.ts'
import type { Answer, Failure } from '../../src/backend/http.ts'
import type { Approval, Fired } from '../../src/backend/wire-decide.ts'
import type { HistoryEntry, QueueEntry } from '../../src/backend/wire-jobs.ts'
import type { Clock } from '../kit/core.ts'
import { backendWith, failure, ok } from './backend-kit.ts'

/** What goes wrong with one call: `away` nobody took it · `lost` it was done, no answer came · `cut` nothing was done,
 *  and nobody can know · or an answer of its own. */
export type Mishap = 'away' | 'lost' | 'cut' | Failure

export interface ComfyJob {
  readonly promptId: string
  readonly traceId: string
  readonly template: string
  readonly inputs: Readonly<Record<string, unknown>>
  state: 'pending' | 'running' | 'done' | 'failed' | 'cancelled'
  outputs: Record<string, unknown>
}

const submitTurns = 3

/** ComfyUI with the pack, in memory, with the traps of section 0 of its contract: one submission in flight (another
 *  burns its trace id), approvals that are not deduplicated, a queue that forgets at a restart. */
export const makeComfy = (clock: Pick<Clock, 'now'>) => {
  let jobs: ComfyJob[] = []
  const everRun: ComfyJob[] = []
  const traces = new Map<string, string | null>()
  type Kept = { -readonly [K in keyof Approval]: Approval[K] }
  const approvals = new Map<string, Kept>()
  const mishaps = new Map<string, Mishap[]>()
  const calls: string[] = []
  let submitting = 0
  let startedMs = clock.now()
  let ids = 0
  let approvalByDefault = false
  let executes = true
  let away = false

  const submit = async (traceId: string, template: string, inputs: ComfyJob['inputs']): Promise<ComfyJob | null> => {
    if (submitting > 0) return null
    submitting++
    for (let i = 0; i < submitTurns; i++) await Promise.resolve()
    submitting--
    const job: ComfyJob = { promptId: `prompt-${++ids}`, traceId, template, inputs, state: 'pending', outputs: {} }
    jobs.push(job)
    everRun.push(job)
    return job
  }

  /** Makes a call as it was planned to go wrong. */
  const call =
    <A extends readonly unknown[], T>(name: string, work: (...args: A) => Promise<Answer<T>>) =>
    async (...args: A): Promise<Answer<T>> => {
      calls.push(name)
      const changes = name === 'fire' || name === 'approve' || name === 'reject'
      const mishap = mishaps.get(name)?.shift()
      if (away || mishap === 'away') return failure('down')
      const unanswered = failure('unanswered', { effect: changes ? 'maybe' : 'none' })
      if (mishap === 'cut') return unanswered
      if (mishap !== undefined && mishap !== 'lost') return mishap
      const answer = await work(...args)
      return mishap === 'lost' ? unanswered : answer
    }

  const entryOf = (job: ComfyJob): QueueEntry => ({
    promptId: job.promptId,
    number: 1,
    traceId: job.traceId,
    clientId: `client-${job.promptId}`,
    nodeCount: 3,
    createdAtMs: clock.now(),
  })

  const endings = { done: 'execution_success', failed: 'execution_error', cancelled: 'execution_interrupted' } as const
  const historyOf = (job: ComfyJob): HistoryEntry => {
    const ending = job.state === 'pending' || job.state === 'running' ? null : endings[job.state]
    const details =
      job.state === 'failed'
        ? { node_id: '7', node_type: 'KSampler', exception_type: 'ValueError', exception_message: 'bad seed\nmore' }
        : {}
    return {
      promptId: job.promptId,
      traceId: job.traceId,
      clientId: null,
      createdAtMs: null,
      outputs: job.outputs,
      statusText: job.state === 'done' ? 'success' : 'error',
      messages: [
        { type: 'execution_start', data: { timestamp: clock.now() - 4000 } },
        ...(ending ? [{ type: ending, data: { timestamp: clock.now(), ...details } }] : []),
      ],
    }
  }
  const finished = () => jobs.filter((job) => job.state !== 'pending' && job.state !== 'running')

  const newApproval = (traceId: string, template: string, inputs: ComfyJob['inputs']): string => {
    const approvalId = `apr_${++ids}`
    approvals.set(approvalId, {
      approvalId,
      templateId: template,
      inputs,
      status: 'pending',
      source: 'trigger',
      traceId,
      tenantId: null,
      requestedAtMs: clock.now(),
      expiresAtMs: clock.now() + 3_600_000,
      decidedAtMs: null,
      decidedBy: null,
      executedPromptId: null,
    })
    return approvalId
  }

  const expireOverdue = (): void => {
    for (const one of approvals.values())
      if (one.status === 'pending' && (one.expiresAtMs ?? 0) <= clock.now()) one.status = 'expired'
  }

  const decide = async (id: string, status: 'approved' | 'rejected', actor: string): Promise<Failure | Kept> => {
    const found = approvals.get(id)
    if (!found) return failure('missing', { status: 404 })
    expireOverdue()
    if (found.status !== 'pending') return failure('refused', { status: 400, code: `already_${found.status}` })
    Object.assign(found, { status, decidedBy: actor, decidedAtMs: clock.now() })
    return found
  }

  const backend: Backend = backendWith({
    fire: call('fire', async ({ templateId, inputs, traceId, requireApproval }): Promise<Answer<Fired>> => {
      if (requireApproval ?? approvalByDefault) {
        const approvalId = newApproval(traceId, templateId, inputs)
        const expiresAtMs = approvals.get(approvalId)?.expiresAtMs ?? null
        return ok({ kind: 'approval' as const, approvalId, expiresAtMs })
      }
      const before = traces.get(traceId)
      if (before !== undefined)
        return ok(
          before === null ? { kind: 'burnt' as const } : { kind: 'queued' as const, promptId: before, deduped: true },
        )
      traces.set(traceId, null)
      const job = await submit(traceId, templateId, inputs)
      if (!job) return failure('limited', { status: 429, retryAfterMs: 1000, code: 'budget_exceeded' })
      traces.set(traceId, job.promptId)
      return ok({ kind: 'queued' as const, promptId: job.promptId, deduped: false })
    }),
    approvals: call('approvals', async (status) => {
      expireOverdue()
      const all = [...approvals.values()].filter((one) => !status || one.status === status).reverse()
      return ok({ approvals: all.map((one) => ({ ...one })), pendingCount: all.length })
    }),
    approval: call('approval', async (id) => {
      const found = approvals.get(id)
      return found ? ok({ ...found }) : failure('missing', { status: 404 })
    }),
    approve: call('approve', async (id, { actor }) => {
      const found = await decide(id, 'approved', actor)
      if ('ok' in found) return found
      const job = executes ? await submit(found.traceId ?? '', found.templateId ?? '', found.inputs) : null
      if (job) found.executedPromptId = job.promptId
      return ok({
        executed: job !== null,
        promptId: job?.promptId ?? null,
        executionError: job ? null : 'busy',
        approval: null,
      })
    }),
    reject: call('reject', async (id, { actor }) => {
      const found = await decide(id, 'rejected', actor)
      return 'ok' in found ? found : ok({ approval: null })
    }),
    queue: call('queue', async () =>
      ok({
        running: jobs.filter((job) => job.state === 'running').map(entryOf),
        pending: jobs.filter((job) => job.state === 'pending').map(entryOf),
      }),
    ),
    history: call('history', async (id) => {
      const job = finished().find((one) => one.promptId === id)
      return ok(job ? historyOf(job) : null)
    }),
    historyRecent: call('historyRecent', async () => ok(finished().map(historyOf))),
    health: call('health', async () =>
      ok({
        packVersion: '1.0',
        uptimeSec: (clock.now() - startedMs) / 1000,
        logsProcessed: 1,
        errorsCaptured: 0,
        llmConfigured: true,
        llmProvider: null,
        llmModel: null,
        startupState: null,
        ready: true,
      }),
    ),
    cancel: call('cancel', async (ids) => {
      for (const job of jobs.filter((one) => ids.includes(one.promptId))) {
        if (job.state === 'running') job.state = 'cancelled'
        if (job.state === 'pending') jobs = jobs.filter((one) => one !== job)
      }
      return ok({ host: 'jobs' as const, asked: ids, cancelled: true })
    }),
    templates: call('templates', async () => ok([])),
  })

  return {
    backend,
    calls,
    traces,
    approvals,
    jobs: () => jobs,
    /** Every job that was ever accepted: what ran, over all restarts. */
    everRun,
    plan: (name: string, ...how: Mishap[]) => void mishaps.set(name, [...(mishaps.get(name) ?? []), ...how]),
    setAway: (value: boolean) => {
      away = value
    },
    setApprovalByDefault: (value: boolean) => {
      approvalByDefault = value
    },
    /** From now on approvals are decided, but their jobs are not started. */
    setExecutes: (value: boolean) => {
      executes = value
    },
    forgetTraces: () => traces.clear(),
    end: (nth: number, state: 'done' | 'failed' | 'cancelled', outputs: Record<string, unknown> = {}) => {
      const job = jobs[nth]
      if (job) Object.assign(job, { state, outputs })
    },
    start: (nth: number) => {
      const job = jobs[nth]
      if (job) job.state = 'running'
    },
    lose: (promptId: string) => {
      jobs = jobs.filter((job) => job.promptId !== promptId)
    },
    restart: () => {
      jobs = []
      startedMs = clock.now()
    },
  }
}

export type Comfy = ReturnType<typeof makeComfy>
