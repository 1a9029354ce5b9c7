import { jobByPrompt, jobsOf, openStates } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { type Command, say, sorry } from './command.ts'
import { maySee } from './tenants.ts'

const mostShown = 10

export const jobs: Command = {
  name: '/jobs',
  aliases: ['jobs', '/queue', 'queue'],
  class: 'public',
  own: false,
  needsToken: false,
  section: 'look',
  usage: '/jobs',
  about: 'Your jobs that are not done yet, and the length of the queue',
  example: '/jobs',
  run: async (call, deps) => {
    const mine = deps.store
      .read((db) => jobsOf(db, call.asker.id, 200, call.tenant))
      .filter((job) => openStates.has(job.state))
    const own = mine
      .slice(0, mostShown)
      .map((job) => `- ${job.promptId ?? job.id} ${job.template}: ${texts.jobs.state[job.state]}`)
    const queue = await deps.backend.queue({ signal: call.signal })
    if (!queue.ok) {
      const why = sorry(queue, deps).reply?.text ?? ''
      return say([why, ...own].join('\n'))
    }
    const { running, pending } = queue.value
    const head = texts.backend.jobsHead(running.length, pending.length)
    if (call.scope === 'own') return say([head, ...(own.length > 0 ? own : [texts.jobs.noneOpen])].join('\n'))
    const all = [
      ...running.map((entry) => ({ ...entry, state: texts.jobs.state.running })),
      ...pending.map((entry, i) => ({ ...entry, state: texts.jobs.place(i + 1) })),
    ]
      .map((entry) => ({ ...entry, job: deps.store.read((db) => jobByPrompt(db, entry.promptId)) }))
      .filter(({ job }) => maySee(job, call.tenant))
    const waiting = mine
      .filter((job) => !job.promptId)
      .map((job) => `- ${job.id} ${job.template}: ${texts.jobs.state[job.state]}`)
    if (all.length + waiting.length === 0) return say(`${head}\n${texts.backend.jobsEmpty}`)
    const lines = all
      .slice(0, mostShown)
      .map(
        ({ promptId, job, state }) =>
          `- ${promptId} ${job ? `${job.template} by ${job.asker}` : texts.jobs.elsewhere}: ${state}`,
      )
    const more = all.length > mostShown ? [texts.backend.jobsShowing(mostShown, all.length)] : []
    return say([head, ...lines, ...more, ...waiting.slice(0, mostShown)].join('\n'))
  },
}
