import type { Installation } from '../../../src/contract/index.ts'
import { makeClientAddress } from '../../../src/intake/client-address.ts'
import { type ApiDeps, makeApi } from '../../../src/ops/api/app.ts'
import { putInstall, putSecrets } from '../../../src/store/installs.ts'
import { installsRig, type Rig } from '../../installs/kit.ts'

export const token = 'test-admin-token'
export const root = '/openclaw/connector'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: bodies are compared, or held against a schema
  readonly body: any
}

export type Api = Rig & {
  readonly ask: (
    path: string,
    more?: { readonly method?: string; readonly headers?: Record<string, string> },
  ) => Promise<Answer>
  readonly routes: () => readonly { readonly method: string; readonly path: string }[]
}

/** The API on a real registry; requests carry the right token unless they bring headers of their own. */
export const apiRig = async (
  over: Partial<ApiDeps> = {},
  tenantOf?: (platform: string, workspace: string) => string,
) => {
  const rig = await installsRig(tenantOf ? { tenantOf } : {})
  const app = makeApi({
    token,
    tenancy: null,
    version: '1.2.3',
    registry: rig.registry,
    secretRefs: [],
    portable: [],
    addressOf: makeClientAddress([]),
    now: rig.clock.now,
    log: rig.log,
    ...over,
  })
  const api: Api = {
    ...rig,
    ask: async (path, { method = 'GET', headers = { 'X-OpenClaw-Admin-Token': token } } = {}) => {
      const response = await app.request(path.startsWith('/') ? path : `${root}/${path}`, { method, headers })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, body: text === '' ? null : JSON.parse(text) }
    },
    routes: () => app.routes.filter(({ method }) => method !== 'ALL'),
  }
  return api
}

const recordedMs = 1_790_000_000_000

/** The stock of the backend that was recorded (backend-samples, `openclaw-connector-installations-state`). */
export const recordedStock = async ({ store, registry }: Rig): Promise<void> => {
  await registry.of('slack').save({ workspace: 'T0', facts: {}, secrets: { bot_token: 'a token nobody may see' } })
  const sealed = store.read((db) => db.sql('SELECT * FROM install_secrets').all())
  const make = (
    over: Partial<Installation> & Pick<Installation, 'id' | 'workspace'>,
  ): Omit<Installation, 'secretNames'> => ({
    platform: 'slack',
    tenant: 'default',
    status: 'active',
    statusReason: '',
    health: { state: 'ok', reason: '', atMs: recordedMs },
    facts: {},
    createdAtMs: recordedMs,
    updatedAtMs: recordedMs,
    ...over,
  })
  const gone = { state: 'revoked', reason: 'app_uninstalled', atMs: recordedMs } as const
  await store.write((db) => {
    for (const table of ['installs', 'install_secrets', 'install_audit']) db.exec(`DELETE FROM ${table}`)
    putInstall(db, make({ id: 'feishu-a', platform: 'feishu', workspace: 'tenant-a' }))
    putInstall(
      db,
      make({
        id: 'slack-T1',
        workspace: 'T1',
        facts: { team_name: 'Team One' },
        health: { state: 'ok', reason: 'activated', atMs: recordedMs },
      }),
    )
    putInstall(
      db,
      make({ id: 'slack-T2', workspace: 'T2', status: 'revoked', statusReason: 'app_uninstalled', health: gone }),
    )
    putInstall(db, make({ id: 'slack-T3a', workspace: 'T3' }))
    putInstall(db, make({ id: 'slack-T3b', workspace: 'T3', status: 'rotating' }))
    putInstall(db, make({ id: 'slack-acme', workspace: 'T9', tenant: 'acme' }))
    // Sealed for another installation: the recorded backend had lost the value of this one.
    const keyId = String(sealed[0]?.key_id)
    putSecrets(db, 'slack-T1', [{ name: 'bot_token', value: { keyId, sealed: sealed[0]?.sealed as Uint8Array } }])
  })
}
