import { cancel } from './comfy-jobs.ts'
import { asHistory } from './history.ts'
import { type Answer, type Ask, crashed, empty, json, looseBody, parseJson, type Route } from './http.ts'
import { featureFlags } from './life.ts'
import { objectInfo, systemStats } from './machine.ts'
import { asTuple } from './queue.ts'
import { submitPrompt } from './submit.ts'
import { isObject } from './types.ts'
import type { World } from './world.ts'

/** ComfyUI's own routes: no token, plain and under `/api`. */
export const comfyRoutes = (world: World): readonly Route[] => [
  {
    method: 'GET',
    path: '/prompt',
    handle: () => json(200, { exec_info: { queue_remaining: world.life().queue.remaining() } }),
  },
  {
    method: 'POST',
    path: '/prompt',
    handle: (ask) => {
      const parsed = parseJson(ask.body)
      if (!parsed.ok || !isObject(parsed.value)) return crashed()
      return submitPrompt(world, parsed.value).answer
    },
  },
  {
    method: 'GET',
    path: '/queue',
    handle: () => {
      const { queue } = world.life()
      const running = queue.running()
      const queue_running = running === null ? [] : [asTuple(running)]
      return json(200, { queue_running, queue_pending: queue.pending().map(asTuple) })
    },
  },
  { method: 'POST', path: '/queue', handle: (ask) => changeQueue(world, ask) },
  {
    method: 'POST',
    path: '/interrupt',
    handle: (ask) => {
      const { prompt_id } = looseBody(ask.body)
      world.life().interrupt(typeof prompt_id === 'string' ? prompt_id : undefined)
      return empty(200)
    },
  },
  { method: 'GET', path: '/history', handle: (ask) => listHistory(world, ask) },
  {
    method: 'GET',
    path: '/history/:id',
    handle: (_ask, { id = '' }) => {
      const entry = world.life().history.get(id)
      return json(200, entry === null ? {} : { [id]: asHistory(entry) })
    },
  },
  {
    method: 'POST',
    path: '/history',
    handle: (ask) => {
      const { clear, delete: ids } = looseBody(ask.body)
      if (clear === true) world.life().history.clear()
      if (Array.isArray(ids)) for (const id of ids) world.life().history.remove(String(id))
      return empty(200)
    },
  },
  { method: 'GET', path: '/system_stats', handle: () => json(200, systemStats(world.settings.host)) },
  { method: 'GET', path: '/features', handle: () => json(200, featureFlags(world.settings.host)) },
  { method: 'GET', path: '/object_info', handle: () => json(200, objectInfo(null)) },
  {
    method: 'GET',
    path: '/object_info/:name',
    handle: (_ask, { name = '' }) => json(200, objectInfo(name)),
  },
]

function changeQueue(world: World, ask: Ask): Answer {
  const { clear, delete: ids } = looseBody(ask.body)
  const { queue } = world.life()
  if (clear === true) {
    for (const item of queue.pending()) world.ledger.mark(item.promptId, 'removed')
    queue.clear()
  }
  // Deleting never touches the job that runs.
  for (const id of Array.isArray(ids) ? ids.map(String) : []) {
    if (queue.pending().some((item) => item.promptId === id)) cancel(world, id)
  }
  return empty(200)
}

/** The last `max_items`, unless an offset asks for others. */
function listHistory(world: World, { query }: Ask): Answer {
  const entries = world.life().history.all()
  const max = Number(query.get('max_items') ?? entries.length)
  const offset = Number(query.get('offset') ?? -1)
  if (!Number.isInteger(max) || !Number.isInteger(offset)) return crashed()
  const start = offset < 0 ? Math.max(0, entries.length - max) : offset
  const shown = entries.slice(start, start + max)
  return json(200, Object.fromEntries(shown.map((entry) => [entry.item.promptId, asHistory(entry)])))
}
