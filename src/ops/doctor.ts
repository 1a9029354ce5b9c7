import { accessSync, constants, mkdirSync } from 'node:fs'
import type { Backend } from '../backend/client.ts'
import type { Config } from '../config/config.ts'
import type { AdapterDeps, AdapterModule, Probe } from '../contract/index.ts'

export interface DoctorDeps {
  readonly config: Config
  readonly backend: Backend
  readonly depsFor: (module: AdapterModule) => AdapterDeps
  readonly signal: AbortSignal
}

type Settings = Readonly<Record<string, unknown>>

/** Looks at everything a running daemon needs, one line each: what was seen, and the cure where something is wrong. */
export const examine = async ({ config, backend, depsFor, signal }: DoctorDeps): Promise<readonly Probe[]> => {
  const platforms = await Promise.all(
    config.platforms
      .filter((platform) => platform.active)
      .map(({ module, settings }) => probePlatform(module, listening(settings, config.http), depsFor, signal)),
  )
  return [
    probeState(config.stateDir),
    ...(await probeBackend(config, backend, signal)),
    ...probePublic(config),
    ...platforms.flat(),
  ]
}

const probeState = (dir: string): Probe => {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
    return { name: 'state directory', ok: true, about: dir }
  } catch (error) {
    const about = `${dir} can't be written (${(error as { code?: string }).code ?? 'error'}). Set OPENCLAW_CONNECTOR_STATE_DIR to a folder of this user.`
    return { name: 'state directory', ok: false, about }
  }
}

const probeBackend = async (config: Config, backend: Backend, signal: AbortSignal): Promise<readonly Probe[]> => {
  const { state, about } = await backend.diagnose({ signal })
  const reached: Probe = { name: 'backend', ok: state === 'up', about }
  if (state !== 'up') return [reached]
  const approvals = await backend.approvals('pending', { signal })
  const token = config.backend.adminToken !== null
  const rights: Probe = approvals.ok
    ? {
        name: 'admin rights',
        ok: token,
        about: token
          ? 'the admin token is accepted'
          : 'works without a token from this machine, but admin commands need OPENCLAW_CONNECTOR_ADMIN_TOKEN',
      }
    : {
        name: 'admin rights',
        ok: false,
        about: `refused (${approvals.detail}). Set OPENCLAW_CONNECTOR_ADMIN_TOKEN to the backend's OPENCLAW_ADMIN_TOKEN.`,
      }
  const templates = await backend.templates({ signal })
  const list: Probe = templates.ok
    ? {
        name: 'templates',
        ok: templates.value.length > 0,
        about:
          templates.value.length > 0
            ? `${templates.value.length} templates`
            : 'none: add some to the OpenClaw template folder',
      }
    : {
        name: 'templates',
        ok: false,
        about: `not readable (${templates.detail}). A backend on another machine also needs OPENCLAW_CONNECTOR_OBS_TOKEN.`,
      }
  return [reached, rights, list]
}

const probePublic = (config: Config): readonly Probe[] => {
  const needy = config.platforms.filter(
    ({ active, module }) =>
      active &&
      Object.values(module.capabilities.media).some(
        (rungs) => rungs.length > 0 && rungs.every((rung) => rung.by === 'url'),
      ),
  )
  if (needy.length === 0) return []
  const names = needy.map(({ module }) => module.capabilities.name).join(', ')
  return [
    config.publicBaseUrl?.startsWith('https:')
      ? { name: 'media links', ok: true, about: `${config.publicBaseUrl}${config.media.path}` }
      : {
          name: 'media links',
          ok: false,
          about: `${names}: pictures need OPENCLAW_CONNECTOR_PUBLIC_BASE_URL, the public https address of this connector`,
        },
  ]
}

/** Behind one listener for all, a platform's own address counts for nothing. */
const listening = (settings: Settings, http: Config['http']): Settings =>
  http && 'PORT' in settings ? { ...settings, BIND: http.host, PORT: http.port } : settings

const probePlatform = async (
  module: AdapterModule,
  settings: Settings,
  depsFor: DoctorDeps['depsFor'],
  signal: AbortSignal,
): Promise<readonly Probe[]> => {
  try {
    const probes = await module.create(settings, depsFor(module)).probe(signal)
    return probes.map((probe) => ({ ...probe, name: `${module.id}: ${probe.name}` }))
  } catch (error) {
    return [{ name: module.id, ok: false, about: error instanceof Error ? error.message : String(error) }]
  }
}
