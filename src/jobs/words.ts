import type { Cached } from '../backend/cached.ts'
import type { Failure } from '../backend/http.ts'
import type { Template } from '../backend/wire.ts'
import { placeWords, withSwitches } from '../router/inputs.ts'
import type { Job } from '../store/jobs.ts'
import type { Store } from '../store/store.ts'

/** Free words of a command that came while nobody could say what its template takes. No input can have this name. */
export const looseWords = ''

export interface WordsDeps {
  readonly store: Store
  readonly templates: Cached<readonly Template[]>
}

const passing: ReadonlySet<string> = new Set(['down', 'unanswered', 'limited'])

/** Whether the list of templates may be had a little later; otherwise nobody will say where words belong. */
export const mayBeReadSoon = ({ kind }: Failure): boolean => passing.has(kind)

/** Puts loose words where they belong before the job is submitted. Null: the backend can't say now, but may soon. */
export const settleWords = async (
  job: Job,
  { store, templates }: WordsDeps,
  signal: AbortSignal,
): Promise<Job | null> => {
  const { [looseWords]: words, ...named } = job.inputs
  if (typeof words !== 'string') return job
  const list = await templates.get({ signal })
  if (!list.ok && (signal.aborted || mayBeReadSoon(list))) return null
  const template = list.ok ? list.value.find((one) => one.id === job.template) : undefined
  const placed = placeWords({ inputs: named, words }, template?.allowedInputs ?? null)
  const inputs = withSwitches(placed.inputs, template?.defaults ?? {})
  await store.write((db) => db.sql('UPDATE jobs SET inputs = ? WHERE id = ?').run(JSON.stringify(inputs), job.id))
  return { ...job, inputs }
}
