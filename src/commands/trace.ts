import { isPromptId } from '../backend/wire.ts'
import type { HistoryEntry, Queue } from '../backend/wire-jobs.ts'
import { findJobs } from '../store/jobs.ts'
import { clock, short } from '../texts/common.ts'
import { texts } from '../texts/index.ts'
import { type Command, say, sorry, usage } from './command.ts'
import { maySeeForeign } from './tenants.ts'

/** The backend's own trace knows nothing of triggered jobs (backend-contract, 0.8): it is built from queue and history. */
export const trace: Command = {
  name: '/trace',
  aliases: ['trace'],
  class: 'admin',
  own: false,
  needsToken: true,
  section: 'decide',
  usage: '/trace <job>',
  about: 'What happened to a job, step by step',
  example: '/trace 1a2b3c4d',
  run: async (call, deps) => {
    const [asked] = call.line.args
    if (!asked) return usage(trace)
    const found = asked.length < 4 ? [] : deps.store.read((db) => findJobs(db, asked, null, call.tenant))
    if (found.length > 1) return say(texts.jobs.ambiguous(asked))
    const job = found[0]
    const id = job?.promptId ?? asked
    if (!isPromptId(id)) return say(texts.jobs.notFound(asked))
    if (!job && !maySeeForeign(id, call, deps)) return say(texts.backend.traceNone(id))
    const queue = await deps.backend.queue({ signal: call.signal })
    const entry = await deps.backend.history(id, { signal: call.signal })
    if (!entry.ok) return sorry(entry, deps)
    const lines = [
      ...(job ? [`${clock(job.createdAtMs)} asked for ${job.template}`, `trace ${job.traceId}`] : []),
      ...(queue.ok ? inQueue(queue.value, id) : []),
      ...(entry.value ? messages(entry.value) : []),
      ...(job ? [`now: ${texts.jobs.state[job.state]}`] : []),
    ]
    return say(lines.length > 0 ? texts.backend.trace(id, lines) : texts.backend.traceNone(id))
  },
}

const inQueue = ({ running, pending }: Queue, id: string): string[] => {
  if (running.some((entry) => entry.promptId === id)) return ['running']
  const place = pending.findIndex((entry) => entry.promptId === id)
  return place < 0 ? [] : [`in the queue, ${place} before it`]
}

/** Names and times only: tracebacks and inputs hold paths (backend-contract, section 7). */
const messages = (entry: HistoryEntry): string[] =>
  entry.messages.slice(0, 40).map(({ type, data }) => {
    const at = typeof data.timestamp === 'number' ? clock(data.timestamp) : ''
    const node = typeof data.node_type === 'string' ? ` at ${short(data.node_type, 60)}` : ''
    return `${at} ${short(type, 60).replaceAll('_', ' ')}${node}`.trim()
  })
