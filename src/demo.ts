import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from './config/read.ts'
import type { AdapterModule } from './contract/index.ts'
import { type Daemon, openDaemon } from './daemon.ts'
import { realConfigDeps, realEdge } from './edge.ts'
import { createLog } from './log.ts'
import { openSimulator } from './simulator/index.ts'

/** The whole daemon in a terminal, against the built-in stand-in for ComfyUI. Nothing is left behind but pictures. */
export const openDemo = async (
  modules: readonly AdapterModule[],
  version: string,
): Promise<{ readonly daemon: Daemon; readonly close: () => Promise<void> }> => {
  const adminToken = 'demo'
  const simulator = await openSimulator({ adminToken })
  const stateDir = mkdtempSync(join(tmpdir(), 'openclaw-connector-demo-'))
  const env = {
    OPENCLAW_CONNECTOR_URL: simulator.url,
    OPENCLAW_CONNECTOR_ADMIN_TOKEN: adminToken,
    OPENCLAW_CONNECTOR_STATE_DIR: stateDir,
    OPENCLAW_CONNECTOR_CONSOLE_ENABLED: 'true',
    OPENCLAW_CONNECTOR_LOG_LEVEL: 'warn',
    OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM: '600',
    OPENCLAW_CONNECTOR_RATE_LIMIT_CHANNEL_RPM: '600',
    OPENCLAW_CONNECTOR_MAX_PENDING_PER_SENDER: '1000',
  }
  const noFile = (): never => {
    throw Object.assign(new Error('the demo reads no file'), { code: 'ENOENT' })
  }
  const config = readConfig(env, modules, { ...realConfigDeps(), readFile: noFile })
  const log = createLog({ ...config.log, format: 'pretty', destination: process.stderr, secrets: [], now: Date.now })
  // Any free port: the demo may run beside a real daemon.
  const demo = { ...config, admin: { ...config.admin, port: 0 }, warnings: [] }
  const daemon = await openDaemon(demo, modules, realEdge(version, log))
  return {
    daemon,
    close: async () => {
      await daemon.close()
      await simulator.close()
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}
