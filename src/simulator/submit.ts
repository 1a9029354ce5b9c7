import { type Answer, json } from './http.ts'
import type { Item } from './queue.ts'
import { isObject, type Json, type JsonObject } from './types.ts'
import { checkPrompt } from './validate.ts'
import type { World } from './world.ts'

export type Submitted =
  | { readonly ok: true; readonly item: Item; readonly answer: Answer }
  | { readonly ok: false; readonly answer: Answer }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const refused = (error: unknown, nodeErrors: JsonObject = {}): Submitted => ({
  ok: false,
  answer: json(400, { error, node_errors: nodeErrors }),
})

/** `POST /prompt`: checks, numbers and queues. Not idempotent, whatever the prompt id. */
export function submitPrompt(world: World, body: Readonly<Record<string, unknown>>): Submitted {
  const { settings, clock, files, ledger } = world
  const life = world.life()
  const own = body.prompt_id
  if (own !== undefined && settings.host === 'new' && !(typeof own === 'string' && uuid.test(own))) {
    const details =
      'prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one'
    return refused({ type: 'invalid_prompt_id', message: 'prompt_id must be a valid UUID', details, extra_info: {} })
  }
  if (!isObject(body.prompt)) {
    const message = 'No prompt provided'
    return refused({ type: 'no_prompt', message, details: message, extra_info: {} })
  }
  const counted = life.nextNumber()
  const asked = typeof body.number === 'number' ? body.number : counted
  const number = body.front === true ? -asked : asked
  const checked = checkPrompt(body.prompt, settings.host, files)
  if (!checked.ok) return refused(checked.error, checked.nodeErrors)

  const given = isObject(body.extra_data) ? (body.extra_data as JsonObject) : {}
  const extra: Record<string, Json> = { ...given }
  if (typeof body.client_id === 'string') extra.client_id = body.client_id
  if (settings.host === 'new') extra.create_time = clock.now()
  const promptId = own === undefined ? settings.id() : String(own)
  const item: Item = { number, promptId, prompt: checked.prompt, extra, outputs: checked.outputs }
  ledger.add(item)
  life.queue.put(item)
  return { ok: true, item, answer: json(200, { prompt_id: promptId, number, node_errors: checked.nodeErrors }) }
}
