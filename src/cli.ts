import { randomBytes } from 'node:crypto'
import { adapters } from '../adapters/index.ts'
import { linkBackend } from './backend/connect.ts'
import { commands } from './commands/index.ts'
import type { Config } from './config/config.ts'
import { commonEnv } from './config/env.ts'
import { withEnvFile } from './config/env-file.ts'
import { noPlatformMessage } from './config/platforms.ts'
import { inspectConfig } from './config/read.ts'
import { type AdapterDeps, type AdapterModule, ConfigError } from './contract/index.ts'
import { type Daemon, openDaemon } from './daemon.ts'
import { realConfigDeps, realEdge, sleep } from './edge.ts'
import { lookAtInstalls } from './installs/look.ts'
import { createLog, type RootLog } from './log.ts'
import { createLinks } from './media/links.ts'
import { accessOf } from './ops/access.ts'
import { examine } from './ops/doctor.ts'
import { printService, serviceKinds } from './ops/service.ts'
import { StateError } from './store/open.ts'
import { texts } from './texts/index.ts'
import { readVersion } from './version.ts'

/** EX_CONFIG and EX_USAGE of sysexits.h. */
const badConfig = 78
const badUsage = 64

const out = (text: string): void => void process.stdout.write(`${text}\n`)
const fail = (text: string, code: number): number => {
  process.stderr.write(`${text}\n`)
  return code
}

const help = `openclaw-connector: drive ComfyUI from chats

  openclaw-connector            start the daemon (settings from the environment and .env)
  openclaw-connector demo       try it in this terminal, with a built-in stand-in for ComfyUI
  openclaw-connector check      look at the configuration only
  openclaw-connector doctor     look at the configuration, the backend and the platforms
  openclaw-connector service print systemd|compose
                                a service file of what is configured here, with names of secrets, never their values
  openclaw-connector --version
  openclaw-connector --help`

/** Configuration with every mistake, those of the access rules included. */
const configured = (): { readonly config: Config; readonly warnings: readonly string[] } => {
  const { config, problems } = inspectConfig(process.env, adapters, realConfigDeps())
  const access = accessOf(config, adapters, commands)
  const all = [...problems, ...access.problems]
  if (all.length > 0) throw new ConfigError(all)
  return { config, warnings: [...config.warnings, ...access.warnings] }
}

const logFor = (config: Config): RootLog =>
  createLog({ ...config.log, destination: process.stdout, secrets: config.secrets, now: Date.now })

/** First signal: drain and close. Second: at once. Asked before anything is opened, so that none is missed. */
const signalled = (): Promise<void> =>
  new Promise((resolve) => {
    const go = (): void => {
      process.once('SIGINT', () => process.exit(130))
      process.once('SIGTERM', () => process.exit(143))
      resolve()
    }
    process.once('SIGINT', go)
    process.once('SIGTERM', go)
  })

/** A daemon whose only intake was a terminal ends with it, once everything that was asked has been answered. */
const ranDry = async (daemon: Daemon): Promise<void> => {
  await daemon.ended()
  const { signal } = new AbortController()
  for (let quiet = 0; quiet < 3; quiet = daemon.idle() ? quiet + 1 : 0) await sleep(40, signal)
}

const start = async (): Promise<number> => {
  const { config } = configured()
  if (!config.platforms.some((platform) => platform.active)) return fail(noPlatformMessage(adapters), badConfig)
  const signal = signalled()
  const daemon = await openDaemon(config, adapters, realEdge(readVersion(), logFor(config)))
  await Promise.race([signal, ranDry(daemon)])
  await daemon.close()
  return 0
}

const demo = async (): Promise<number> => {
  const signal = signalled()
  // Loaded when it is wanted: the stand-in for ComfyUI is a third of the program.
  const { openDemo } = await import('./demo.ts')
  const { daemon, close } = await openDemo(adapters, readVersion())
  if (process.stdin.isTTY) out(texts.help.demo)
  await Promise.race([signal, ranDry(daemon)])
  await close()
  return 0
}

/** What adapters are made with that only look: nothing they do is kept. */
const lookingOn = (config: Config) => {
  const log = createLog({
    level: 'error',
    format: 'pretty',
    destination: process.stderr,
    secrets: config.secrets,
    now: Date.now,
  })
  // As the daemon's, so that hosts can be compared; signed by a key that nobody keeps.
  const { publicBaseUrl: base, media } = config
  const { link } = createLinks({ key: randomBytes(32), base, path: media.path, ttlMs: media.ttlMs, now: Date.now })
  const installs = lookAtInstalls(config, log)
  const depsFor = ({ id }: AdapterModule): AdapterDeps => ({
    fetch: globalThis.fetch,
    now: Date.now,
    random: Math.random,
    sleep,
    log,
    memo: { get: () => null, set: async () => {} },
    media: { open: async () => new Blob([]), link },
    say: () => '',
    menu: { everyone: [], admin: [], admins: [] },
    installs: installs.of(id),
    templates: async () => [],
    jobsOf: async () => null,
  })
  return { log, depsFor, close: installs.close }
}

/** Why platforms would not start, as only they can tell: a list with wrong entries, settings that exclude each other. */
const refusals = (config: Config): readonly string[] => {
  const { depsFor, close } = lookingOn(config)
  const all = config.platforms.flatMap(({ active, module, settings }) => {
    if (!active) return []
    try {
      module.create(settings, depsFor(module))
      return []
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)]
    }
  })
  close()
  return all
}

const check = (): number => {
  const { config, warnings } = configured()
  for (const warning of warnings) out(`warning: ${warning}`)
  const active = config.platforms.filter((platform) => platform.active).map(({ module }) => module.capabilities.name)
  if (active.length === 0) return fail(noPlatformMessage(adapters), badConfig)
  const refused = refusals(config)
  if (refused.length > 0) return fail(`The configuration needs a correction:\n${refused.join('\n')}`, badConfig)
  out(`The configuration is fine. Platforms: ${active.join(', ')}. Backend: ${config.backend.url}`)
  return 0
}

const doctor = async (): Promise<number> => {
  const { config, warnings } = configured()
  const { log, depsFor, close } = lookingOn(config)
  const { backend } = linkBackend(config.backend, realEdge(readVersion(), log), new AbortController().signal)
  const probes = await examine({ config, backend, signal: AbortSignal.timeout(60_000), depsFor })
  close()
  for (const warning of warnings) out(`warn  ${warning}`)
  for (const { name, ok, about } of probes) out(`${ok ? 'ok   ' : 'FAIL '} ${name}: ${about}`)
  return probes.every(({ ok }) => ok) ? 0 : 1
}

const service = ([verb, kind, ...wanted]: readonly string[]): number => {
  const known = serviceKinds.find((one) => one === kind)
  if (verb !== 'print' || !known)
    return fail(`openclaw-connector service print ${serviceKinds.join('|')} [variable …]`, badUsage)
  const { config } = configured()
  const { readFile } = realConfigDeps()
  const { values } = withEnvFile(process.env, commonEnv.OPENCLAW_CONNECTOR_ENV_FILE.fallback, readFile)
  const made = printService(known, wanted, { config, env: values, modules: adapters })
  if (made.ok) out(made.text.trimEnd())
  else {
    const lines = made.refused.map(
      ({ path, name, status, reason }) => `${name || path || '(not shown)'}: ${status}, ${reason}`,
    )
    return fail(['No service file was made:', ...lines].join('\n'), badConfig)
  }
  return 0
}

const run = async (argv: readonly string[]): Promise<number> => {
  const [verb = 'start'] = argv
  if (verb === '--help' || verb === '-h' || verb === 'help') out(help)
  else if (verb === '--version' || verb === '-v' || verb === 'version') out(readVersion())
  else if (verb === 'start') return start()
  else if (verb === 'demo') return demo()
  else if (verb === 'check') return check()
  else if (verb === 'doctor') return doctor()
  else if (verb === 'service') return service(argv.slice(1))
  else return fail(`There is no command "${verb}".\n\n${help}`, badUsage)
  return 0
}

/** The process edge: the only place that reads the environment, hears signals and ends the process. */
export const main = async (argv: readonly string[]): Promise<void> => {
  try {
    process.exitCode = await run(argv)
  } catch (error) {
    if (error instanceof ConfigError)
      process.exitCode = fail(`The configuration needs a correction:\n${error.message}`, badConfig)
    else if (error instanceof StateError) process.exitCode = fail(error.message, 1)
    else throw error
  }
  process.exit()
}
