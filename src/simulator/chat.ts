import { admitAdmin, principalOf, refuse, tenantOf } from './auth.ts'
import { type Answer, type Ask, json, parseJson, type Route } from './http.ts'
import { rateLimited } from './rates.ts'
import { tell } from './story.ts'
import { isObject, type Llm } from './types.ts'
import { log, type World } from './world.ts'

/** A local model that needs no key and always has a little story ready. */
export const defaultLlm: Llm = {
  provider: 'ollama',
  model: 'simulated-fox',
  keyConfigured: false,
  keyRequired: false,
  answer: ({ system, message }) => ({ text: `${wordsFor(system, message)} (A simulated model wrote this.)` }),
}

/** Like a model that does as it is told: a command where one is wanted, a sentence about figures, else a story. */
function wordsFor(system: string, message: string): string {
  const about = message.replace(/[^\p{L}\p{M}\p{N} ,.'!?-]/gu, ' ').slice(0, 80)
  if (/\/run <template>/.test(system)) return `\`\`\`\n/run portrait "${about.trim()}"\n\`\`\``
  return message.startsWith('{')
    ? 'All is quiet: the figures look healthy, and the fox is asleep.'
    : tell(about, 'chat')
}

/** How the pack calls the client behind a provider in its errors. */
const adapter = 'openai_compat'

export const chatRoutes = (world: World): readonly Route[] => [
  { method: 'POST', path: '/openclaw/llm/chat', core: true, handle: (ask) => chat(world, ask) },
]

async function chat(world: World, ask: Ask): Promise<Answer> {
  const tenant = tenantOf(world.settings, ask)
  if (!tenant.ok) return tenant.answer
  const refusal = world.life().rates.take('admin', principalOf(world.settings, ask), tenant.id)
  if (refusal !== null) return rateLimited(refusal, 'Rate limit exceeded')
  const admitted = admitAdmin(world.settings, ask)
  if (!admitted.ok) return refuse('chat', admitted.why)
  const parsed = parseJson(ask.body)
  if (!parsed.ok || !isObject(parsed.value)) return json(400, { ok: false, error: 'Expected JSON object body' })
  const { system, user_message, message } = parsed.value
  const said = user_message ?? message
  if (typeof said !== 'string' || said.trim() === '') return json(400, { ok: false, error: 'missing_user_message' })

  const llm = world.llm()
  if (llm.keyRequired && !llm.keyConfigured) {
    return json(400, { ok: false, error: `API key not configured for provider '${llm.provider}'` })
  }
  const answer = await llm.answer({ system: typeof system === 'string' ? system : '', message: said })
  if ('text' in answer) return json(200, { ok: true, tenant_id: tenant.id, text: answer.text })
  log(world, `[openclaw.LLMClient] ERROR: Request failed for ${llm.provider}/${llm.model}: status ${answer.status}`)
  return json(answer.status, {
    ok: false,
    error: `${adapter} HTTP ${answer.status}: ${answer.error}`,
    provider: adapter,
    status_code: answer.status,
    ...(answer.retryAfterSec === undefined ? {} : { retry_after: answer.retryAfterSec }),
  })
}
