import { approvals } from './approvals.ts'
import { approve } from './approve.ts'
import { chat } from './chat.ts'
import type { Command } from './command.ts'
import { help } from './help.ts'
import { history } from './history.ts'
import { inbox } from './inbox.ts'
import { jobs } from './jobs.ts'
import { reject } from './reject.ts'
import { run } from './run.ts'
import { schedule, schedules } from './schedules.ts'
import { status } from './status.ts'
import { stop } from './stop.ts'
import { templates } from './templates.ts'
import { trace } from './trace.ts'
import { whoami } from './whoami.ts'

/** All commands, in the order of `/help`. */
export const commands: readonly Command[] = [
  run,
  templates,
  stop,
  status,
  jobs,
  history,
  inbox,
  whoami,
  help,
  approvals,
  approve,
  reject,
  trace,
  schedules,
  schedule,
  chat,
]
