import { jobsOf, openStates } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { type Command, say, whyNot } from './command.ts'

/** The operator's quota is a side dish: it may be missing. */
const quotaMs = 3000

export const status: Command = {
  name: '/status',
  aliases: ['status'],
  class: 'public',
  own: false,
  needsToken: false,
  section: 'look',
  usage: '/status',
  about: 'Is ComfyUI up, and how long is the queue',
  example: '/status',
  run: async (call, deps) => {
    const { signal } = call
    const [health, queue, stats, quotas] = await Promise.all([
      deps.backend.health({ signal }),
      deps.backend.queue({ signal }),
      deps.backend.systemStats({ signal }),
      call.scope === 'all' ? deps.quotas(AbortSignal.any([signal, AbortSignal.timeout(quotaMs)])) : [],
    ])
    const mine = deps.store
      .read((db) => jobsOf(db, call.asker.id, 100, call.tenant))
      .filter((job) => openStates.has(job.state)).length
    if (!queue.ok || !health.ok) {
      const failure = queue.ok ? health : queue
      const why = failure.ok
        ? ''
        : queue.ok && failure.kind === 'missing'
          ? texts.backend.why.packMissing
          : whyNot(failure)
      return say(texts.backend.offline(why, deps.away()?.sinceMs ?? null, deps.now()))
    }
    return say(
      texts.backend.online({
        version: stats.ok ? stats.value.comfyVersion : null,
        pack: health.value.packVersion,
        running: queue.value.running.length,
        pending: queue.value.pending.length,
        logs: health.value.logsProcessed,
        errors: health.value.errorsCaptured,
        mine,
        quotas: quotas.map(({ name, quota }) => ({ name, ...quota })),
      }),
    )
  },
}
