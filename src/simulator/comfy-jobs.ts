import { type Answer, type Ask, json, looseBody, type Route } from './http.ts'
import { jobStates, jobView, jobViews, selectJobs } from './jobs.ts'
import type { World } from './world.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** ComfyUI's jobs routes; they are declared with `/api` and exist on new hosts only. */
export const comfyJobRoutes = (world: World): readonly Route[] => [
  { method: 'GET', path: '/api/jobs', handle: (ask) => list(world, ask) },
  {
    method: 'GET',
    path: '/api/jobs/:id',
    handle: (_ask, { id = '' }) => {
      const job = jobView(world.life(), id)
      return job === null ? json(404, { error: 'Job not found' }) : json(200, job)
    },
  },
  { method: 'POST', path: '/api/jobs/cancel', handle: (ask) => cancelMany(world, ask) },
  {
    method: 'POST',
    path: '/api/jobs/:id/cancel',
    handle: (_ask, { id = '' }) => json(200, { cancelled: cancel(world, id) }),
  },
]

function list(world: World, { query }: Ask): Answer {
  const bad = (query.get('status')?.split(',') ?? []).filter((one) => !jobStates.some((state) => state === one))
  if (bad.length > 0) {
    return json(400, { error: `Invalid status value(s): ${bad.join(', ')}. Valid values: ${jobStates.join(', ')}` })
  }
  const fitting = selectJobs(jobViews(world.life()), query)
  const number = (name: string) => {
    const raw = query.get(name)
    return raw === null || !/^\d+$/.test(raw) ? null : Number(raw)
  }
  const [offset, limit] = [number('offset') ?? 0, number('limit')]
  const jobs = fitting.slice(offset, limit === null ? undefined : offset + limit)
  const has_more = offset + jobs.length < fitting.length
  return json(200, { jobs, pagination: { offset, limit, total: fitting.length, has_more } })
}

/** Takes a pending job out of the queue, or stops the running one. */
export function cancel(world: World, id: string): boolean {
  const { queue, interrupt } = world.life()
  if (!queue.remove(id)) return interrupt(id)
  world.ledger.mark(id, 'removed')
  return true
}

function cancelMany(world: World, ask: Ask): Answer {
  const { job_ids } = looseBody(ask.body)
  if (!Array.isArray(job_ids)) return json(400, { error: 'job_ids must be a list' })
  const invalid_ids = job_ids.filter((id) => !(typeof id === 'string' && uuid.test(id)))
  if (invalid_ids.length > 0) return json(400, { error: 'job_ids contains invalid id(s)', invalid_ids })
  const cancelled = job_ids.map((id) => cancel(world, String(id)))
  return json(200, { cancelled: cancelled.includes(true) })
}
