import * as v from 'valibot'
import { clipped, finite, isPromptId, isRecord, orNull, take, takeEach } from './wire.ts'

export interface QueueEntry {
  readonly promptId: string
  /** Order of running; smaller runs first. Negative for jobs put in front. */
  readonly number: number
  /** Our own trace id for jobs that came by a trigger. */
  readonly traceId: string | null
  /** Whose socket hears this job's progress. Adopt only those of our own jobs. */
  readonly clientId: string | null
  /** Nodes of the workflow, for progress over all of them. */
  readonly nodeCount: number
  readonly createdAtMs: number | null
}

export interface Queue {
  readonly running: readonly QueueEntry[]
  /** In the order in which they will run. */
  readonly pending: readonly QueueEntry[]
}

const shortText = orNull(v.pipe(v.string(), v.minLength(1), v.maxLength(256)))
const origin = orNull(v.object({ trace_id: shortText }))
const extraData = v.object({ openclaw: origin, moltbot: origin, client_id: shortText, create_time: orNull(finite) })

/** The trace id that a trigger left in `extra_data` (item 3 of a queue or history prompt). */
function extraOf(prompt: readonly unknown[]) {
  const extra = take(extraData, prompt[3])
  return {
    traceId: extra?.openclaw?.trace_id ?? extra?.moltbot?.trace_id ?? null,
    clientId: extra?.client_id ?? null,
    createdAtMs: extra?.create_time ?? null,
  }
}

function readQueueEntry(item: unknown): QueueEntry | null {
  if (!Array.isArray(item)) return null
  // Other programs choose their ids freely on old hosts; such jobs still count for the position in the queue.
  const promptId = take(clipped(256), item[1])
  if (promptId === null) return null
  const nodeCount = isRecord(item[2]) ? Object.keys(item[2]).length : 0
  return { promptId, number: take(finite, item[0]) ?? 0, nodeCount, ...extraOf(item) }
}

/** `queue_pending` is a heap (its order says nothing), so it is sorted by number here. */
export function readQueue(json: unknown): Queue | null {
  if (!isRecord(json)) return null
  const running = takeEach(json.queue_running, readQueueEntry, 100_000)
  const pending = takeEach(json.queue_pending, readQueueEntry, 100_000)
  if (running === null || pending === null) return null
  return { running, pending: pending.sort((a, b) => a.number - b.number) }
}

/** A finished job as ComfyUI remembers it. What it means is the business of `outcome`. */
export interface HistoryEntry {
  readonly promptId: string
  readonly traceId: string | null
  readonly clientId: string | null
  readonly createdAtMs: number | null
  /** By node id. Unchecked: everything in it is read defensively. */
  readonly outputs: Readonly<Record<string, unknown>>
  readonly statusText: string | null
  readonly messages: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[]
}

function readMessage(entry: unknown): HistoryEntry['messages'][number] | null {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string') return null
  return { type: entry[0], data: isRecord(entry[1]) ? entry[1] : {} }
}

function readHistoryEntry(promptId: string, json: unknown): HistoryEntry | null {
  if (!isRecord(json)) return null
  const status = isRecord(json.status) ? json.status : {}
  return {
    promptId,
    ...extraOf(Array.isArray(json.prompt) ? json.prompt : []),
    outputs: isRecord(json.outputs) ? json.outputs : {},
    statusText: take(clipped(64), status.status_str),
    messages: takeEach(status.messages, readMessage, 10_000) ?? [],
  }
}

/** Oldest first, as ComfyUI lists them. `{}` (nothing known, still waiting or running) gives an empty list. */
export const readHistory = (json: unknown): readonly HistoryEntry[] | null =>
  isRecord(json)
    ? Object.entries(json)
        .map(([promptId, entry]) => readHistoryEntry(promptId, entry))
        .filter((entry) => entry !== null)
    : null

export const jobStatuses = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'] as const

export interface JobSummary {
  readonly id: string
  readonly status: (typeof jobStatuses)[number]
  readonly createdAtMs: number | null
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly outputsCount: number | null
}

export interface JobsPage {
  readonly jobs: readonly JobSummary[]
  readonly offset: number
  readonly limit: number
  readonly total: number
  readonly hasMore: boolean
}

const within = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))

const job = v.object({
  id: v.pipe(v.string(), v.check(isPromptId)),
  status: v.picklist(jobStatuses),
  create_time: orNull(finite),
  execution_start_time: orNull(finite),
  execution_end_time: orNull(finite),
  outputs_count: orNull(within(0, 1_000_000)),
})

const jobsV1 = v.object({
  ok: v.literal(true),
  contract_version: v.literal(1),
  jobs: v.pipe(v.array(job), v.maxLength(200)),
  pagination: v.object({
    offset: within(0, 10_000),
    limit: within(1, 200),
    total: within(0, 10_000),
    has_more: v.boolean(),
    warnings: v.pipe(v.array(v.unknown()), v.maxLength(2)),
  }),
  source: v.custom<object>(isRecord),
  scan: v.custom<object>(isRecord),
})

/** Contract version 1 of the jobs view, strictly: whatever contradicts itself is not shown at all. */
export function readJobs(json: unknown): JobsPage | null {
  const body = take(jobsV1, json)
  if (body === null) return null
  const { offset, limit, total, has_more: hasMore } = body.pagination
  const end = offset + body.jobs.length
  if (body.jobs.length > limit || end > total || hasMore !== end < total) return null
  const jobs = body.jobs.map((entry) => ({
    id: entry.id,
    status: entry.status,
    createdAtMs: entry.create_time,
    startedAtMs: entry.execution_start_time,
    finishedAtMs: entry.execution_end_time,
    outputsCount: entry.outputs_count,
  }))
  return { jobs, offset, limit, total, hasMore }
}
