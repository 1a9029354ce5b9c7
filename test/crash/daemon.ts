import { adapters } from '../../adapters/index.ts'
import { readConfig } from '../../src/config/read.ts'
import type { AdapterModule } from '../../src/contract/index.ts'
import { openDaemon } from '../../src/daemon.ts'
import { realConfigDeps, realEdge } from '../../src/edge.ts'
import { createLog } from '../../src/log.ts'

// The daemon as a process of its own that dies where the test wants it. Configured like the product, and besides by
// CRASH_AT, the step to die at, and CRASH_NTH, the how manieth time it comes by.
const { CRASH_AT: crashAt = '', CRASH_NTH: crashNth = '1' } = process.env
let left = Number(crashNth)

const step = (name: string): void => {
  if (name === crashAt && --left === 0) process.kill(process.pid, 'SIGKILL')
}

/** Platforms want a second between two messages of a chat; these tests are about what is sent, not how fast. */
const hurried = (module: AdapterModule): AdapterModule => ({
  ...module,
  capabilities: {
    ...module.capabilities,
    pace: { ...module.capabilities.pace, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 },
  },
})

// Whoever started it holds the other end of stdin: without them there is nothing to do any more.
process.stdin.on('end', () => process.exit()).resume()

const noFile = (): never => {
  throw Object.assign(new Error('the tests configure by the environment alone'), { code: 'ENOENT' })
}
const modules = adapters.map(hurried)
const config = readConfig(process.env, modules, { ...realConfigDeps(), readFile: noFile })
const log = createLog({ ...config.log, destination: process.stdout, secrets: config.secrets, now: Date.now })
// Any free port for the operator's listener, so that several can run side by side.
await openDaemon({ ...config, admin: { ...config.admin, port: 0 } }, modules, { ...realEdge('0.0.0-crash', log), step })
