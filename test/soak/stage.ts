import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openSimulator, type Simulator } from '../../src/simulator/index.ts'
import type { Random } from '../crash/chaos-mouths.ts'
import { adminToken } from '../crash/harness.ts'
import { type Daemon, freePort, spawnDaemon } from '../flow/process.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { type FakeFeishu, startFeishu } from '../platforms/feishu.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'

/** What the platforms say about time, and how patient they are. */
export interface Clockwork {
  /** Discord's heartbeat. The real one: 41,250. */
  readonly heartbeatMs: number
  /** Feishu's pings. The real one: 120. */
  readonly pingSec: number
  /** Waits before Slack and Feishu bring again what was not confirmed; the real ones take minutes and hours. */
  readonly againMs: readonly number[]
}

/** The world around one daemon that lives on three long connections. */
export interface Stage {
  readonly simulator: Simulator
  readonly slack: FakeSlack
  readonly discord: FakeDiscord
  readonly feishu: FakeFeishu
  readonly daemon: Daemon
  /** Where the daemon keeps its state. */
  readonly dir: string
  /** Where it writes what it counts inside itself. */
  readonly figuresFile: string
  readonly close: () => Promise<void>
}

/** Seconds, as both platforms have it. */
const ackMs = 3000
const inside = pathToFileURL(join(import.meta.dirname, 'inside.ts')).href

const prefixed = (id: string, settings: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`OPENCLAW_CONNECTOR_${id}_${name}`, value]))

/** On each platform Ann is an admin who runs at once; Bob is a stranger whose runs wait for her. */
export const openStage = async (random: Random, { heartbeatMs, pingSec, againMs }: Clockwork): Promise<Stage> => {
  const bringing = {
    ackMs,
    againMs,
    jitterMs: () => (random() < 0.25 ? random() * 700 : 0),
    pieces: () => (random() < 0.2 ? 2 + Math.floor(random() * 4) : 1),
  }
  const [simulator, slack, discord, feishu, port] = await Promise.all([
    openSimulator({ adminToken, stepMs: 3, submitMs: 3 }),
    startSlack({ ...bringing, mode: 'socket' }),
    startDiscord(bringing),
    startFeishu(bringing),
    freePort(),
  ])
  discord.gateway.limits.heartbeatMs = heartbeatMs
  feishu.sockets.setConfig({ PingInterval: pingSec })
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-connector-soak-'))
  const [dir, figuresFile] = [join(folder, 'state'), join(folder, 'figures.jsonl')]
  // Without it there is no webhook, so that everything comes over the line.
  const { VERIFICATION_TOKEN: _, ...feishuSettings } = feishu.settings
  const platforms = [slack, discord, feishu]
  const daemon = spawnDaemon(
    {
      ...prefixed('SLACK', { ...slack.settings, REPLY_IN_THREAD: 'true', ALLOWED_USERS: slack.people.ann.id }),
      ...prefixed('DISCORD', { ...discord.settings, ALLOWED_USERS: discord.people.ann.id }),
      ...prefixed('FEISHU', { ...feishuSettings, ALLOWED_USERS: feishu.people.ann.id }),
      OPENCLAW_CONNECTOR_ADMIN_USERS: platforms.map(({ id, people }) => `${id}:${people.ann.id}`).join(','),
      OPENCLAW_CONNECTOR_URL: simulator.url,
      OPENCLAW_CONNECTOR_ADMIN_TOKEN: adminToken,
      OPENCLAW_CONNECTOR_ADMIN_PORT: String(port.port),
      OPENCLAW_CONNECTOR_STATE_DIR: dir,
      OPENCLAW_CONNECTOR_LOG_FORMAT: 'json',
      OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM: '600',
      OPENCLAW_CONNECTOR_RATE_LIMIT_CHANNEL_RPM: '600',
      OPENCLAW_CONNECTOR_MAX_PENDING_PER_SENDER: '1000',
      NODE_OPTIONS: `--import ${inside}`,
      SOAK_FIGURES: figuresFile,
    },
    folder,
  )
  const close = async (): Promise<void> => {
    await daemon.kill()
    await Promise.all([simulator, ...platforms].map((one) => one.close()))
    await port.release()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await daemon.ready()
  } catch (error) {
    await close()
    throw error
  }
  return { simulator, slack, discord, feishu, daemon, dir, figuresFile, close }
}
