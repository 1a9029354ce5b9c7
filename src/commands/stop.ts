import type { Failure } from '../backend/http.ts'
import { isPromptId } from '../backend/wire.ts'
import { tenantOf } from '../contract/index.ts'
import { cancelUnsubmitted } from '../jobs/cancel.ts'
import { askCancel, noteCancelPassed } from '../store/cancels.ts'
import { findJobs, type Job, jobById, jobsOf, openJobs, openStates } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { takeAim } from './aim.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say, sorry } from './command.ts'
import { isAlone, maySeeForeign } from './tenants.ts'

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
    if (ids.length > mostIds) return say(texts.jobs.tooManyIds(mostIds))
    const everything = ids.length === 0 && call.scope === 'all'
    if (everything && isAlone(call, deps)) return stopAll(call, deps)
    const look = everything ? runningHere : ids.length === 0 ? latest : () => named(ids, call, deps)
    const { aim } = await takeAim(call, deps, () => look(call, deps))
    if ('refusal' in aim) return say(aim.refusal)
    return cancel(aim, call, deps)
  },
}

const mostIds = 20

/** Our own jobs by id, and prompts that did not come through us. */
interface Aim {
  readonly jobs: readonly string[]
  readonly prompts: readonly string[]
}

type Aimed = Aim | { readonly refusal: string }

const named = (ids: readonly string[], call: Call, deps: CommandDeps): Aimed => {
  const found = ids.map((id) => ({ id, jobs: lookUp(id, call, deps) }))
  const unclear = found.find(({ jobs }) => jobs.length > 1)
  if (unclear) return { refusal: texts.jobs.ambiguous(unclear.id) }
  const prompts = found.filter(({ jobs }) => jobs.length === 0).map(({ id }) => id)
  // Jobs that did not come through us have no row here; admins may name them by the backend's id.
  const unknown = prompts.find((id) => call.scope === 'own' || !isPromptId(id) || !maySeeForeign(id, call, deps))
  if (unknown) return { refusal: texts.jobs.notFound(unknown) }
  return { jobs: found.flatMap(({ jobs }) => jobs.map((job) => job.id)), prompts }
}

const lookUp = (id: string, call: Call, deps: CommandDeps): readonly Job[] =>
  id.length < 4
    ? []
    : deps.store.read((db) => findJobs(db, id, call.scope === 'own' ? call.asker.id : null, call.tenant))

const latest = (call: Call, deps: CommandDeps): Aimed => {
  const job = deps.store
    .read((db) => jobsOf(db, call.asker.id, 50, call.tenant))
    .find((one) => openStates.has(one.state))
  return job ? { jobs: [job.id], prompts: [] } : { refusal: texts.jobs.cancelNone }
}

/** What of this tenant runs: the backend's own "stop" would hit whoever's job is at work. */
const runningHere = (call: Call, deps: CommandDeps): Aimed => {
  const jobs = deps.store
    .read(openJobs)
    .filter((job) => job.state === 'running' && tenantOf(job) === call.tenant)
    .map(({ id }) => id)
  return jobs.length > 0 ? { jobs: jobs.slice(0, mostIds), prompts: [] } : { refusal: texts.jobs.cancelNone }
}

/** Stops whatever runs, so it must not be sent twice: the second would hit somebody else's job. */
const stopAll = async (call: Call, deps: CommandDeps): Promise<Outcome> => {
  const { again } = await takeAim(call, deps, () => ({ all: true }))
  if (again) return say(texts.jobs.stopMaybe)
  const answer = await deps.backend.interruptAll({ signal: call.signal })
  return answer.ok ? say(texts.jobs.stopAll) : sorry(answer, deps)
}

const cancel = async ({ jobs: ids, prompts: foreign }: Aim, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const jobs = ids.map((id) => deps.store.read((db) => jobById(db, id))).filter((job) => job !== null)
  const [only] = jobs
  const total = jobs.length + foreign.length
  const name = only?.promptId ?? only?.id ?? foreign[0] ?? ''
  if (total === 1 && only && !openStates.has(only.state) && only.state !== 'cancelled')
    return say(texts.jobs.cancelOne(name, 'finished'))
  // The wish first: a submission that is under way this moment finds it and honours it.
  const left = await deps.store.write((db) =>
    jobs.flatMap((job) => {
      askCancel(db, job.id, call.asker.id)
      return cancelUnsubmitted(db, job, call.asker, deps.now()) ? [] : [jobById(db, job.id)]
    }),
  )
  deps.step('cancel:noted')
  deps.submitter.wake()
  for (const job of jobs) await deps.tellJob(job.id)
  const running = left.filter((job) => job?.promptId && openStates.has(job.state)) as readonly Job[]
  const idle = await notThere(foreign, call, deps)
  const [absent] = idle
  if (absent !== undefined && idle.length === total) return say(texts.jobs.notThere(idle))
  const prompts = [
    ...running.flatMap(({ promptId }) => promptId ?? []),
    ...foreign.filter((prompt) => !idle.includes(prompt)),
  ]
  if (prompts.length > 0) {
    const answer = await deps.backend.cancel(prompts, { signal: call.signal })
    if (!answer.ok) return notTaken(answer, running.length === total, deps)
    await deps.store.write((db) => {
      for (const { id } of running) noteCancelPassed(db, id)
    })
  }
  const asked = total === 1 ? texts.jobs.cancelOne(name, 'asked') : texts.jobs.cancelAsked(total - idle.length)
  return say(absent === undefined ? asked : `${asked}\n${texts.jobs.notThere(idle)}`)
}

/** Of jobs that did not come through us, those ComfyUI has not waiting nor running: cancelling is silent about them on
 *  every host (backend-contract, section 7). None where it can't be asked. */
const notThere = async (prompts: readonly string[], call: Call, deps: CommandDeps): Promise<readonly string[]> => {
  if (prompts.length === 0) return []
  const queue = await deps.backend.queue({ signal: call.signal })
  if (!queue.ok) return []
  const there = new Set([...queue.value.running, ...queue.value.pending].map(({ promptId }) => promptId))
  return prompts.filter((prompt) => !there.has(prompt))
}

const passing: ReadonlySet<string> = new Set(['down', 'unanswered', 'limited'])

/** The wish for our own jobs is kept and passed on by the watcher; what did not come through us has no row for it. */
const notTaken = (failure: Failure, allOurs: boolean, deps: CommandDeps): Outcome => {
  const why = sorry(failure, deps)
  if (!allOurs || !passing.has(failure.kind)) return why
  return say(`${why.reply?.text ?? ''} ${texts.jobs.cancelHeld}`)
}
