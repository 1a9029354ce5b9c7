import type { Answer, CallOptions, Failure, Http } from './http.ts'
import {
  type BackendCapabilities,
  type BackendConfig,
  type Health,
  readCapabilities,
  readConfig,
  readHealth,
  readQueueRemaining,
  readSystemStats,
  readTemplates,
  type SystemStats,
  type Template,
} from './wire.ts'

/** What stands behind the base URL: OpenClaw, a ComfyUI without it, something that refuses us, or nothing. */
export interface Diagnosis {
  readonly state: 'up' | 'pack_missing' | 'denied' | 'down'
  /** What was seen and, when not up, the cure. */
  readonly about: string
}

const get = (route: string) => ({ method: 'GET', route, path: route, changes: false }) as const

/** What a backend lets only its own machine read, and others with the observability token: the admin token does not
 *  open it (backend-contract, section 1), so its cure is another one. */
const judgeRead = (failure: Failure): Failure =>
  failure.kind === 'denied' && !failure.code?.startsWith('tenant_') ? { ...failure, code: 'reads_denied' } : failure

const routeMissing = (answer: Answer<unknown>): boolean => !answer.ok && answer.code === 'route_missing'
const denial = (...answers: readonly Answer<unknown>[]): Failure | undefined =>
  answers.find((answer): answer is Failure => !answer.ok && answer.kind === 'denied')

function diagnosisOf(health: Answer<Health>, prompt: Answer<number>, admin: Answer<true>): Diagnosis {
  if (health.ok && denial(admin) !== undefined) {
    const cure = 'Set OPENCLAW_CONNECTOR_ADMIN_TOKEN to the value of OPENCLAW_ADMIN_TOKEN of the backend.'
    return { state: 'denied', about: `OpenClaw answers but does not accept us as admin (${admin.status}). ${cure}` }
  }
  if (health.ok) return { state: 'up', about: `OpenClaw ${health.value.packVersion ?? '(unknown version)'} answers.` }
  const refused = denial(health, prompt)
  if (refused !== undefined) {
    const cure = 'Check that the URL is the backend itself or that the proxy in front of it lets the connector pass.'
    return { state: 'denied', about: `The backend refuses us (${refused.status}). ${cure}` }
  }
  if (routeMissing(health) && prompt.ok) {
    const cure = 'Install the OpenClaw node pack; with --listen it only loads when OPENCLAW_ADMIN_TOKEN is set.'
    return { state: 'pack_missing', about: `ComfyUI answers but has no OpenClaw routes. ${cure}` }
  }
  const seen = prompt.ok ? health.detail : prompt.detail
  return { state: 'down', about: `No usable answer from the backend (${seen}). Is ComfyUI running and the URL right?` }
}

export function infoCalls(http: Http) {
  const health = (options: CallOptions = {}): Promise<Answer<Health>> =>
    http.call(get('/openclaw/health'), readHealth, options)

  /** How many jobs run or wait. */
  const promptInfo = async (options: CallOptions = {}): Promise<Answer<{ readonly queueRemaining: number }>> => {
    const answer = await http.call(get('/api/prompt'), readQueueRemaining, options)
    return answer.ok ? { ...answer, value: { queueRemaining: answer.value } } : answer
  }

  return {
    health,
    promptInfo,
    capabilities: (options: CallOptions = {}): Promise<Answer<BackendCapabilities>> =>
      http.call(get('/openclaw/capabilities'), readCapabilities, options),
    /** Counts against the 20 a minute that admin reads and the language model share: read it through a cache. */
    config: (options: CallOptions = {}): Promise<Answer<BackendConfig>> =>
      http.call(get('/openclaw/config'), readConfig, options, judgeRead),
    /** Counts against the same 20 a minute: read it through a cache. */
    templates: (options: CallOptions = {}): Promise<Answer<readonly Template[]>> =>
      http.call(get('/openclaw/templates'), readTemplates, options, judgeRead),
    systemStats: (options: CallOptions = {}): Promise<Answer<SystemStats>> =>
      http.call(get('/system_stats'), readSystemStats, options),
    /** Asks three harmless questions (none of them rate limited) and says what the answers mean together. */
    diagnose: async (options: CallOptions = {}): Promise<Diagnosis> => {
      const approvals = { ...get('/openclaw/approvals'), query: { limit: 1 } }
      const [healthy, prompt, admin] = await Promise.all([
        health(options),
        http.call(get('/api/prompt'), readQueueRemaining, options),
        http.call(approvals, () => true as const, options),
      ])
      return diagnosisOf(healthy, prompt, admin)
    },
  }
}
