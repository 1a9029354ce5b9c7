import { admitAdmin, refuse } from './auth.ts'
import { isoTime } from './clock.ts'
import { isCron } from './cron.ts'
import { checkDelivery } from './delivery.ts'
import { type Answer, type Ask, json, looseBody, type Params, type Route } from './http.ts'
import { isTemplate } from './submit-template.ts'
import { isObject, type JsonObject } from './types.ts'
import { hexId, type World } from './world.ts'

export interface Schedule {
  readonly schedule_id: string
  readonly name: string
  readonly template_id: string
  readonly trigger_type: 'interval' | 'cron'
  readonly cron_expr: string | null
  readonly interval_sec: number | null
  readonly inputs: JsonObject
  readonly delivery: JsonObject | null
  readonly timezone: string
  readonly enabled: boolean
  readonly created_at: string
  readonly updated_at: string
  /** Seconds since the epoch, unlike the times above. */
  readonly last_tick_ts: number | null
  readonly last_run_id: string | null
  readonly compute_error_count: number
  readonly last_compute_error: string | null
}

export interface Run {
  readonly run_id: string
  readonly schedule_id: string
  readonly trace_id: string
  readonly idempotency_key: string
  readonly prompt_id: string | null
  /** "completed" only means that the job was queued. */
  readonly status: 'queued' | 'completed' | 'error' | 'skipped'
  readonly started_at: string
  readonly finished_at: string | null
  readonly error_summary: string | null
}

const maxSchedules = 200

export function scheduleRoutes(world: World): readonly Route[] {
  const guarded = (handle: (ask: Ask, params: Params) => Answer) => (ask: Ask, params: Params) => {
    const admitted = admitAdmin(world.settings, ask)
    return admitted.ok ? handle(ask, params) : refuse('plain', admitted.why)
  }
  const withOne = (handle: (schedule: Schedule, ask: Ask) => Answer) =>
    guarded((ask, { id = '' }) => {
      const schedule = world.schedules.get(id)
      return schedule === undefined ? json(404, { error: 'Schedule not found' }) : handle(schedule, ask)
    })
  const update = (schedule: Schedule, fields: Partial<Schedule>): Schedule => {
    const next = { ...schedule, ...fields, updated_at: isoTime(world.clock.now()) }
    world.schedules.set(schedule.schedule_id, next)
    return next
  }
  return [
    {
      method: 'GET',
      path: '/openclaw/schedules',
      handle: guarded((ask) => {
        const wanted = ask.query.get('enabled')
        const all = [...world.schedules.values()]
        const schedules = wanted === null ? all : all.filter((one) => String(one.enabled) === wanted.toLowerCase())
        return json(200, { schedules, count: schedules.length })
      }),
    },
    { method: 'POST', path: '/openclaw/schedules', handle: guarded((ask) => create(world, ask)) },
    { method: 'GET', path: '/openclaw/schedules/:id', handle: withOne((schedule) => json(200, { schedule })) },
    {
      method: 'PUT',
      path: '/openclaw/schedules/:id',
      handle: withOne((schedule, ask) => {
        const checked = checkFields(world, { ...schedule, ...looseBody(ask.body) })
        if ('answer' in checked) return checked.answer
        return json(200, { schedule: update(schedule, checked.fields), updated: true })
      }),
    },
    {
      method: 'DELETE',
      path: '/openclaw/schedules/:id',
      handle: withOne(({ schedule_id }) => {
        world.schedules.delete(schedule_id)
        return json(200, { deleted: true, schedule_id })
      }),
    },
    {
      method: 'POST',
      path: '/openclaw/schedules/:id/toggle',
      handle: withOne((schedule) => {
        const { schedule_id, enabled } = update(schedule, { enabled: !schedule.enabled })
        return json(200, { schedule_id, enabled })
      }),
    },
  ]
}

function create(world: World, ask: Ask): Answer {
  const checked = checkFields(world, looseBody(ask.body))
  if ('answer' in checked) return checked.answer
  if (world.schedules.size >= maxSchedules) return json(400, { error: `Maximum ${maxSchedules} schedules reached` })
  const now = isoTime(world.clock.now())
  const schedule: Schedule = {
    schedule_id: `sched_${hexId(world).slice(0, 12)}`,
    ...checked.fields,
    timezone: 'local',
    created_at: now,
    updated_at: now,
    last_tick_ts: null,
    last_run_id: null,
    compute_error_count: 0,
    last_compute_error: null,
  }
  world.schedules.set(schedule.schedule_id, schedule)
  return json(201, { schedule, created: true })
}

type Fields = Pick<
  Schedule,
  'name' | 'template_id' | 'trigger_type' | 'cron_expr' | 'interval_sec' | 'inputs' | 'delivery' | 'enabled'
>

function checkFields(
  world: World,
  body: Readonly<Record<string, unknown>>,
): { readonly fields: Fields } | { readonly answer: Answer } {
  const bad = (error: string, code?: string) => ({
    answer: json(400, code === undefined ? { error } : { error, code }),
  })
  const { name, template_id, trigger_type = 'interval', cron_expr, interval_sec, inputs = {} } = body
  if (typeof name !== 'string' || name === '') return bad('name is required')
  if (name.length > 100) return bad('name too long (max 100)')
  if (typeof template_id !== 'string' || template_id === '') return bad('template_id is required')
  if (!isTemplate(world, template_id)) return { answer: json(404, { error: `template_id '${template_id}' not found` }) }
  if (trigger_type !== 'interval' && trigger_type !== 'cron') return bad(`'${trigger_type}' is not a valid TriggerType`)
  if (trigger_type === 'cron' && !isCron(cron_expr)) return bad(`Invalid cron expression: ${cron_expr}`)
  if (trigger_type === 'interval' && !(typeof interval_sec === 'number' && interval_sec >= 60)) {
    return bad('interval_sec required (minimum 60 seconds)')
  }
  if (typeof interval_sec === 'number' && interval_sec > 2_592_000)
    return bad('interval_sec too large (maximum 30 days)')
  if (!isObject(inputs) || JSON.stringify(inputs).length > 32_768) return bad('inputs too large (max 32KB)')
  const delivery = checkDelivery(body.delivery)
  if ('error' in delivery) return bad(delivery.error, delivery.code)
  return {
    fields: {
      name,
      template_id,
      trigger_type,
      cron_expr: trigger_type === 'cron' ? String(cron_expr) : null,
      interval_sec: trigger_type === 'interval' ? Number(interval_sec) : null,
      inputs: inputs as JsonObject,
      delivery: delivery.value,
      enabled: body.enabled !== false,
    },
  }
}
