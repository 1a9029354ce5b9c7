import { admitAdmin, refuse } from './auth.ts'
import { type Answer, type Ask, json, looseBody, type Params, type Route } from './http.ts'
import { isObject, type JsonObject } from './types.ts'
import type { World } from './world.ts'

export interface Preset {
  readonly id: string
  readonly name: string
  readonly category: string
  readonly tags: readonly string[]
  readonly content: JsonObject
  readonly tenant_id: string
  /** Seconds since the epoch. */
  readonly created_at: number
  readonly updated_at: number
}

export function presetRoutes(world: World): readonly Route[] {
  const guarded = (handle: (ask: Ask, params: Params) => Answer) => (ask: Ask, params: Params) => {
    const admitted = admitAdmin(world.settings, ask)
    return admitted.ok ? handle(ask, params) : refuse('plain', admitted.why)
  }
  const withOne = (handle: (preset: Preset, ask: Ask) => Answer) =>
    guarded((ask, { id = '' }) => {
      const preset = world.presets.get(id)
      return preset === undefined ? json(404, { error: 'Not Found' }) : handle(preset, ask)
    })
  const save = (status: number, before: Preset | null, body: Readonly<Record<string, unknown>>): Answer => {
    const checked = check(body)
    if (typeof checked === 'string') return json(400, { error: checked })
    const now = world.clock.now() / 1000
    const id = before?.id ?? world.settings.id()
    const preset = { id, ...checked, tenant_id: 'default', created_at: before?.created_at ?? now, updated_at: now }
    world.presets.set(id, preset)
    return json(status, preset)
  }
  return [
    {
      method: 'GET',
      path: '/openclaw/presets',
      handle: guarded(({ query }) => {
        const [category, tag] = [query.get('category'), query.get('tag')]
        const fits = (one: Preset) =>
          (category === null || one.category === category) && (tag === null || one.tags.includes(tag))
        return json(200, [...world.presets.values()].filter(fits))
      }),
    },
    { method: 'POST', path: '/openclaw/presets', handle: guarded((ask) => save(201, null, looseBody(ask.body))) },
    { method: 'GET', path: '/openclaw/presets/:id', handle: withOne((preset) => json(200, preset)) },
    {
      method: 'PUT',
      path: '/openclaw/presets/:id',
      handle: withOne((preset, ask) => save(200, preset, { ...preset, ...looseBody(ask.body) })),
    },
    {
      method: 'DELETE',
      path: '/openclaw/presets/:id',
      handle: withOne((preset) => {
        world.presets.delete(preset.id)
        return json(200, { ok: true })
      }),
    },
  ]
}

function check(
  body: Readonly<Record<string, unknown>>,
): Pick<Preset, 'name' | 'category' | 'tags' | 'content'> | string {
  const { name, category = 'general', tags = [], content } = body
  if (typeof name !== 'string' || name === '' || !isObject(content)) return 'Name and Content required'
  if (category === 'prompt' && !(typeof content.positive === 'string' && typeof content.negative === 'string')) {
    return "Validation Error: Prompt preset must contain 'positive' and 'negative' fields"
  }
  if (category === 'params' && content.params === undefined) {
    return "Validation Error: Params preset must contain 'params' field"
  }
  const labels = Array.isArray(tags) ? tags.map(String) : []
  return { name, category: String(category), tags: labels, content: content as JsonObject }
}
