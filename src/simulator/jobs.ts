import { type Entry, statusOf } from './history.ts'
import type { Life } from './life.ts'
import type { Item } from './queue.ts'
import type { Json, JsonObject } from './types.ts'

export const jobStates = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'] as const

export interface JobView {
  readonly id: string
  readonly status: (typeof jobStates)[number]
  readonly priority: number
  readonly create_time: Json | undefined
  readonly execution_start_time?: number
  readonly execution_end_time?: number
  readonly execution_error?: JsonObject
  readonly outputs_count: number
  readonly previewable_outputs_count: number
  readonly preview_output?: JsonObject
}

const outcomes = { success: 'completed', error: 'failed', interrupted: 'cancelled' } as const

/** Queue and history as one list. A job cancelled while it was pending is in neither. */
export function jobViews(life: Life): JobView[] {
  const running = life.queue.running()
  return [
    ...life.queue.pending().map((item) => waiting(item, 'pending')),
    ...(running === null ? [] : [waiting(running, 'in_progress')]),
    ...life.history.all().map(finished),
  ]
}

export function jobView(life: Life, id: string): (JobView & JsonObject) | null {
  const entry = life.history.get(id)
  if (entry === null) return (jobViews(life).find((job) => job.id === id) as (JobView & JsonObject) | undefined) ?? null
  const { item, result } = entry
  const more = {
    outputs: result.outputs,
    execution_status: statusOf(result),
    workflow: { prompt: item.prompt, extra_data: item.extra },
  }
  return { ...finished(entry), ...more } as unknown as JobView & JsonObject
}

const waiting = (item: Item, status: 'pending' | 'in_progress'): JobView => ({
  id: item.promptId,
  status,
  priority: item.number,
  create_time: item.extra.create_time,
  outputs_count: 0,
  previewable_outputs_count: 0,
})

function finished({ item, result }: Entry): JobView {
  const [first, last] = [result.messages[0], result.messages.at(-1)]
  const files = Object.entries(result.outputs).flatMap(([nodeId, output]) =>
    Object.entries(output as JsonObject).flatMap(([mediaType, list]) =>
      (Array.isArray(list) ? list : [])
        .filter((ref) => typeof ref === 'object' && ref !== null && 'filename' in ref)
        .map((ref) => ({ ...(ref as JsonObject), nodeId, mediaType })),
    ),
  )
  const preview = files.at(-1)
  return {
    id: item.promptId,
    status: outcomes[result.outcome],
    priority: item.number,
    create_time: item.extra.create_time,
    execution_start_time: Number(first?.[1].timestamp),
    execution_end_time: Number(last?.[1].timestamp),
    ...(result.outcome === 'error' && last !== undefined ? { execution_error: last[1] } : {}),
    outputs_count: files.length,
    previewable_outputs_count: files.length,
    ...(preview === undefined ? {} : { preview_output: preview }),
  }
}

/** Sorts and filters as both job lists are asked to. */
export function selectJobs(jobs: readonly JobView[], query: URLSearchParams): JobView[] {
  const states = query.get('status')?.split(',') ?? null
  const workflow = query.get('workflow_id')
  const by = (job: JobView): number =>
    query.get('sort_by') === 'execution_duration'
      ? (job.execution_end_time ?? 0) - (job.execution_start_time ?? 0)
      : Number(job.create_time)
  const sign = query.get('sort_order') === 'asc' ? 1 : -1
  return jobs
    .filter((job) => states === null || states.includes(job.status))
    .filter(() => workflow === null)
    .sort((a, b) => sign * (by(a) - by(b)) || sign * (a.priority - b.priority))
}
