import type { Backend } from '../../src/backend/client.ts'
import type { Answer, Failure } from '../../src/backend/http.ts'

export const ok = <T>(value: T): Answer<T> => ({ ok: true, value, status: 200 })

export const failure = (kind: Failure['kind'], over: Partial<Failure> = {}): Failure => ({
  ok: false,
  kind,
  status: null,
  detail: `GET /somewhere: ${kind}`,
  said: null,
  effect: 'none',
  retryAfterMs: null,
  code: null,
  ...over,
})

export const kinds: readonly Failure['kind'][] = [
  ...(['down', 'unanswered', 'denied', 'limited', 'missing', 'refused', 'unsupported'] as const),
  ...(['malformed', 'too_large'] as const),
]

const away = async (): Promise<Failure> => failure('down')

/** A backend at whose address nobody answers, but for the calls given here. */
export const backendWith = (calls: Partial<Backend> = {}): Backend => ({
  health: away,
  promptInfo: away,
  capabilities: away,
  config: away,
  templates: away,
  systemStats: away,
  diagnose: async () => ({ state: 'down', about: 'nobody answers' }),
  queue: away,
  history: away,
  historyRecent: away,
  jobs: away,
  interruptAll: away,
  cancel: away,
  fire: away,
  approvals: away,
  approval: away,
  approve: away,
  reject: away,
  schedules: away,
  schedule: away,
  setScheduleEnabled: away,
  chat: away,
  view: away,
  upload: away,
  ...calls,
})
