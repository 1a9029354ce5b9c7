import { isPromptId } from '../backend/wire.ts'
import { changeJob, findJobs, type Job, jobsOf, openStates } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say, sorry } from './command.ts'

export const stop: Command = {
  name: '/stop',
  aliases: ['/cancel', '/interrupt', 'interrupt', 'cancel'],
  class: 'admin',
  own: true,
  needsToken: false,
  section: 'run',
  usage: '/stop [job …]',
  about: 'Cancel jobs (your own, or any as an admin); without a job: the latest of yours, or all that runs',
  example: '/cancel 1a2b3c4d',
  run: async (call, deps): Promise<Outcome> => {
    const ids = call.line.args
      .flatMap((arg) => arg.split(','))
      .map((id) => id.trim())
      .filter((id) => id !== '')
    if (ids.length === 0) return call.scope === 'all' ? stopAll(call, deps) : stopLatest(call, deps)
    if (ids.length > 20) return say(texts.jobs.tooManyIds(20))
    const found = ids.map((id) => ({ id, jobs: lookUp(id, call, deps) }))
    const unclear = found.find(({ jobs }) => jobs.length > 1)
    if (unclear) return say(texts.jobs.ambiguous(unclear.id))
    const foreign = found.filter(({ jobs }) => jobs.length === 0).map(({ id }) => id)
    // Jobs that did not come through us have no row here; admins may name them by the backend's id.
    const unknown = foreign.find((id) => call.scope === 'own' || !isPromptId(id))
    if (unknown) return say(texts.jobs.notFound(unknown))
    return cancel(
      found.flatMap(({ jobs }) => jobs),
      foreign,
      call,
      deps,
    )
  },
}

const lookUp = (id: string, call: Call, deps: CommandDeps): readonly Job[] =>
  id.length < 4 ? [] : deps.store.read((db) => findJobs(db, id, call.scope === 'own' ? call.asker.id : null))

const stopAll = async (call: Call, deps: CommandDeps): Promise<Outcome> => {
  const answer = await deps.backend.interruptAll({ signal: call.signal })
  return answer.ok ? say(texts.jobs.stopAll) : sorry(answer, deps)
}

const stopLatest = async (call: Call, deps: CommandDeps): Promise<Outcome> => {
  const latest = deps.store.read((db) => jobsOf(db, call.asker.id, 50)).find((job) => openStates.has(job.state))
  return latest ? cancel([latest], [], call, deps) : say(texts.jobs.cancelNone)
}

const cancel = async (
  jobs: readonly Job[],
  foreign: readonly string[],
  call: Call,
  deps: CommandDeps,
): Promise<Outcome> => {
  const open = jobs.filter((job) => openStates.has(job.state))
  const [only] = jobs
  if (jobs.length + foreign.length === 1 && only && open.length === 0)
    return say(texts.jobs.cancelOne(only.promptId ?? only.id, 'finished'))
  for (const job of open.filter((one) => !one.promptId)) {
    // Not submitted yet: the row alone decides. One that is being submitted this moment is caught by its next state.
    const ended = await deps.store.write((db) =>
      changeJob(db, job.id, { state: 'cancelled', finishedAtMs: deps.now() }, ['waiting', 'approval']),
    )
    deps.step('cancel:noted')
    if (ended) await deps.tellJob(job.id)
  }
  const prompts = [...open.flatMap((job) => (job.promptId ? [job.promptId] : [])), ...foreign]
  if (prompts.length > 0) {
    const answer = await deps.backend.cancel(prompts, { signal: call.signal })
    if (!answer.ok) return sorry(answer, deps)
    await deps.store.write((db) => {
      for (const job of open) changeJob(db, job.id, { detail: 'cancel-asked' })
    })
  }
  const total = open.length + foreign.length
  return say(
    total === 1
      ? texts.jobs.cancelOne(only?.promptId ?? only?.id ?? foreign[0] ?? '', 'asked')
      : texts.jobs.cancelAsked(total),
  )
}
