import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { botId, secret } from './skill.ts'

export interface DaemonOptions {
  /** A fresh folder: state, log and working directory. */
  readonly dir: string
  /** Beside what every measured daemon gets. Names without `OPENCLAW_CONNECTOR_`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly backend: string
  readonly script?: string
  readonly probed?: boolean
  readonly nodeOptions?: readonly string[]
}

export interface DaemonChild extends Child {
  /** Where the webhook listens; 0 without one. */
  readonly port: number
  readonly adminPort: number
}

/** The webhook platform, with the shared secret. */
export const webhook: Readonly<Record<string, string>> = {
  KAKAO_ENABLED: 'true',
  KAKAO_PORT: '0',
  KAKAO_WEBHOOK_SECRET: secret,
  KAKAO_BOT_ID: botId,
}

export const stateDirOf = (dir: string): string => join(dir, 'state')

/** The real daemon: default settings, but for rates (people in a bench write more often) and ports. */
export const startDaemon = async (options: DaemonOptions): Promise<DaemonChild> => {
  const { dir, settings = webhook } = options
  mkdirSync(dir, { recursive: true })
  const all = {
    URL: options.backend,
    STATE_DIR: stateDirOf(dir),
    ADMIN_PORT: '0',
    LOG_FORMAT: 'json',
    RATE_LIMIT_USER_RPM: '600',
    RATE_LIMIT_CHANNEL_RPM: '600',
    ...settings,
  }
  const child = await startChild({
    script: options.script ?? 'src/main.ts',
    cwd: dir,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dir,
      ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`OPENCLAW_CONNECTOR_${name}`, value])),
    },
    logFile: join(dir, 'daemon.log'),
    ready: '"msg":"ready"',
    probed: options.probed ?? false,
    nodeOptions: options.nodeOptions ?? [],
  })
  const lines = child
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { readonly msg: string; readonly port?: number })
  const portIn = (message: string): number => lines.find(({ msg }) => msg === message)?.port ?? 0
  return { ...child, port: portIn('listening'), adminPort: portIn('admin listening') }
}
