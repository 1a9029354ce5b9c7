import { createHash } from 'node:crypto'
import { admitAdmin, refuse } from './auth.ts'
import { isoTime } from './clock.ts'
import { cronFires } from './cron.ts'
import { type Answer, type Ask, crashed, json, type Route } from './http.ts'
import type { Run, Schedule } from './schedules.ts'
import { submitTemplate } from './submit-template.ts'
import { hexId, type World } from './world.ts'

const maxRuns = 1000

export function runRoutes(world: World): readonly Route[] {
  const guarded = (ask: Ask, handle: () => Answer | Promise<Answer>) => {
    const admitted = admitAdmin(world.settings, ask)
    return admitted.ok ? handle() : refuse('plain', admitted.why)
  }
  const known = (id: string, handle: (schedule: Schedule) => Answer | Promise<Answer>) => {
    const schedule = world.schedules.get(id)
    return schedule === undefined ? json(404, { error: 'Schedule not found' }) : handle(schedule)
  }
  return [
    {
      method: 'GET',
      path: '/openclaw/runs',
      handle: (ask) => guarded(ask, () => listRuns(world, ask, ask.query.get('schedule_id'))),
    },
    {
      method: 'GET',
      path: '/openclaw/schedules/:id/runs',
      handle: (ask, { id = '' }) => guarded(ask, () => known(id, () => listRuns(world, ask, id))),
    },
    {
      method: 'POST',
      path: '/openclaw/schedules/:id/run',
      handle: (ask, { id = '' }) => guarded(ask, () => known(id, (schedule) => runNow(world, schedule))),
    },
  ]
}

/** Newest first. Numbers are not checked at all here: anything else than digits crashes the handler. */
function listRuns(world: World, ask: Ask, scheduleId: string | null): Answer {
  const [limit, offset] = [ask.query.get('limit') ?? '50', ask.query.get('offset') ?? '0']
  if (!/^\d+$/.test(limit) || !/^\d+$/.test(offset)) return crashed()
  const status = ask.query.get('status')
  const fitting = world.runs
    .filter((run) => scheduleId === null || run.schedule_id === scheduleId)
    .filter((run) => status === null || run.status === status)
    .reverse()
  const runs = fitting.slice(Number(offset), Number(offset) + Number(limit))
  return json(200, { runs, count: runs.length, total: fitting.length })
}

/** The trap: the handler waits for its own server, which it blocks. Everything stands still until it gives up; then
 *  the run is on record as an error without a prompt id, and the job is queued all the same. */
async function runNow(world: World, schedule: Schedule): Promise<Answer> {
  const { schedule_id, template_id } = schedule
  const answer = json(200, { triggered: true, schedule_id, template_id })
  const run = startRun(world, schedule)
  if (run === null) return answer
  const life = world.life()
  await world.gate.freeze(world.settings.scheduleFreezeMs)
  if (world.life() !== life) return answer
  finishRun(world, run, { status: 'error', prompt_id: null })
  const { inputs } = schedule
  await submitTemplate(world, { id: template_id, inputs, traceId: run.trace_id, key: run.idempotency_key })
  return answer
}

/** Runs what is due. An interval that never ran is due at once. */
export async function tick(world: World): Promise<void> {
  const now = world.clock.now()
  for (const schedule of [...world.schedules.values()]) {
    const { enabled, trigger_type, cron_expr, interval_sec, last_tick_ts, template_id, inputs } = schedule
    if (!enabled) continue
    const since = last_tick_ts === null ? Infinity : now / 1000 - last_tick_ts
    const due = trigger_type === 'cron' ? cronFires(cron_expr ?? '', now) : since >= (interval_sec ?? Infinity)
    const run = due ? startRun(world, schedule) : null
    if (run === null) continue
    const done = await submitTemplate(world, {
      id: template_id,
      inputs,
      traceId: run.trace_id,
      key: run.idempotency_key,
    })
    if (done.ok) finishRun(world, run, { status: 'completed', prompt_id: done.promptId })
    else finishRun(world, run, { status: 'error', prompt_id: null, error_summary: done.reason })
  }
}

/** Null when it already ran in this minute: that is skipped without a word. */
function startRun(world: World, schedule: Schedule): Run | null {
  const now = world.clock.now()
  const minute = `${schedule.schedule_id} ${Math.floor(now / 60_000)}`
  const key = `sched_${createHash('sha256').update(minute).digest('hex').slice(0, 16)}`
  if (world.runs.some((run) => run.idempotency_key === key)) return null
  const traceId = hexId(world)
  const run: Run = {
    run_id: `run_${traceId.slice(0, 12)}`,
    schedule_id: schedule.schedule_id,
    trace_id: traceId,
    idempotency_key: key,
    prompt_id: null,
    status: 'queued',
    started_at: isoTime(now),
    finished_at: null,
    error_summary: null,
  }
  world.runs.push(run)
  if (world.runs.length > maxRuns) world.runs.shift()
  const current = world.schedules.get(schedule.schedule_id) ?? schedule
  world.schedules.set(schedule.schedule_id, { ...current, last_tick_ts: now / 1000, last_run_id: run.run_id })
  return run
}

function finishRun(world: World, run: Run, end: Partial<Run>): void {
  const at = world.runs.findIndex((one) => one.run_id === run.run_id)
  if (at >= 0) world.runs[at] = { ...run, ...end, finished_at: isoTime(world.clock.now()) }
}
