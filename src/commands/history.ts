import { outcomeOf, reasonOf } from '../backend/outcome.ts'
import { isPromptId } from '../backend/wire.ts'
import { findJobs, type Job, jobsOf } from '../store/jobs.ts'
import { duration } from '../texts/common.ts'
import { texts } from '../texts/index.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say, sorry } from './command.ts'
import { maySeeForeign } from './tenants.ts'

const mostShown = 10

export const history: Command = {
  name: '/history',
  aliases: ['history'],
  class: 'public',
  own: false,
  needsToken: false,
  section: 'look',
  usage: '/history [job]',
  about: 'Your last jobs, or the details of one',
  example: '/history 1a2b3c4d',
  run: async (call, deps): Promise<Outcome> => {
    const [id] = call.line.args
    if (!id) return last(call, deps)
    const found =
      id.length < 4
        ? []
        : deps.store.read((db) => findJobs(db, id, call.scope === 'own' ? call.asker.id : null, call.tenant))
    if (found.length > 1) return say(texts.jobs.ambiguous(id))
    const [job] = found
    if (job) return details(job, call, deps)
    if (call.scope === 'own' || !isPromptId(id)) return say(texts.jobs.notFound(id))
    return maySeeForeign(id, call, deps) ? foreign(id, call, deps) : say(texts.backend.traceNone(id))
  },
}

const last = (call: Call, deps: CommandDeps): Outcome => {
  const jobs = deps.store.read((db) => jobsOf(db, call.asker.id, mostShown, call.tenant))
  if (jobs.length === 0) return say(texts.jobs.noneOfYours)
  return say(
    jobs.map((job) => `- ${job.promptId ?? job.id} ${job.template}: ${texts.jobs.state[job.state]}`).join('\n'),
  )
}

const details = async (job: Job, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const tookMs = job.finishedAtMs && job.submittedAtMs ? job.finishedAtMs - job.submittedAtMs : null
  const lines = [
    texts.jobs.headline(job.promptId ?? job.id, texts.jobs.state[job.state]),
    job.template,
    texts.jobs.values(job.inputs),
    tookMs === null ? '' : duration(tookMs),
  ]
  const entry = job.promptId ? await deps.backend.history(job.promptId, { signal: call.signal }) : null
  return say(
    [...lines, ...(entry?.ok && entry.value ? produced(outcomeOf(entry.value)) : [])]
      .filter((line) => line !== '')
      .join('\n'),
  )
}

const foreign = async (id: string, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const entry = await deps.backend.history(id, { signal: call.signal })
  if (!entry.ok) return sorry(entry, deps)
  if (!entry.value) return say(texts.backend.traceNone(id))
  const outcome = outcomeOf(entry.value)
  return say([texts.jobs.headline(id, texts.jobs.state[outcome.kind]), ...produced(outcome)].join('\n'))
}

const produced = (outcome: ReturnType<typeof outcomeOf>): string[] => [
  ...(outcome.failure ? [reasonOf(outcome) ?? texts.jobs.noReason] : []),
  ...(outcome.files.length > 0
    ? [texts.jobs.produced(outcome.files.map((file) => file.filename).slice(0, 10), outcome.files.length)]
    : []),
]
