import type { Schedule } from '../backend/wire-decide.ts'
import { texts } from '../texts/index.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say, sorry, usage } from './command.ts'
import { submit } from './submission.ts'

const mostShown = 30

const when = (schedule: Schedule): string =>
  schedule.cron ?? (schedule.intervalSec ? texts.backend.every(schedule.intervalSec) : '?')

export const schedules: Command = {
  name: '/schedules',
  aliases: ['schedules'],
  class: 'admin',
  own: false,
  needsToken: true,
  section: 'decide',
  usage: '/schedules',
  about: 'What runs by the clock',
  example: '/schedules',
  run: async (call, deps) => {
    const list = await deps.backend.schedules({ signal: call.signal })
    if (!list.ok) return sorry(list, deps)
    if (list.value.length === 0) return say(texts.backend.schedulesNone)
    const lines = list.value.slice(0, mostShown).map((schedule) =>
      texts.backend.schedule({
        id: schedule.scheduleId,
        enabled: schedule.enabled,
        name: schedule.name ?? '',
        when: when(schedule),
        template: schedule.templateId ?? '?',
      }),
    )
    const left = list.value.length - mostShown
    const more = left > 0 ? [texts.backend.schedulesMore(left)] : []
    return say([texts.backend.schedulesHead, ...lines, ...more].join('\n'))
  },
}

export const schedule: Command = {
  name: '/schedule',
  aliases: ['schedule'],
  class: 'admin',
  own: false,
  needsToken: true,
  section: 'decide',
  usage: '/schedule run|on|off <id>',
  about: 'Run a schedule now, or switch it on or off',
  example: '/schedule run sched_0123456789ab',
  run: async (call, deps): Promise<Outcome> => {
    const [verb, id] = call.line.args
    if (!id) return usage(schedule)
    if (verb === 'run') return runNow(id, call, deps)
    if (verb !== 'on' && verb !== 'off') return usage(schedule)
    const set = await deps.backend.setScheduleEnabled(id, verb === 'on', { signal: call.signal })
    if (!set.ok) return set.kind === 'missing' ? say(texts.backend.scheduleUnknown(id)) : sorry(set, deps)
    return say(texts.backend.scheduleSet(id, set.value.enabled))
  },
}

/** The backend's own "run now" freezes it for 30 s and reports nothing (backend-contract, 0.3): the schedule's template
 *  is submitted with its inputs instead, and the result comes to this chat. */
const runNow = async (id: string, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const found = await deps.backend.schedule(id, { signal: call.signal })
  if (!found.ok) return found.kind === 'missing' ? say(texts.backend.scheduleUnknown(id)) : sorry(found, deps)
  const { inputs, templateId } = found.value
  const outcome = await submit({ template: templateId ?? '', inputs, approval: false }, call, deps)
  // Only what goes on was started: a refusal speaks for itself.
  if (!outcome.reply?.editableAs) return outcome
  return {
    ...outcome,
    reply: { ...outcome.reply, text: `${texts.backend.scheduleRuns(id)}\n${outcome.reply.text ?? ''}` },
  }
}
