import { createHash } from 'node:crypto'
import type { BackendLink } from '../backend/connect.ts'
import type { Button, Capabilities } from '../contract/index.ts'
import { print } from '../router/parse.ts'
import type { Job } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'

const ttlMs = 24 * 60 * 60_000
/** Longer lines are no longer a convenience, and the router bounds them. */
const mostCharacters = 2000

export interface AgainDeps {
  readonly templates: BackendLink['templates']
  readonly newId: () => string
}

/** Where a button beside files costs no message of its own. */
export const carriesButtons = ({ buttons, call }: Capabilities): boolean =>
  buttons?.kind === 'press' && (buttons.withFiles === true || call.items > 1)

/**
 * The same once more, with another seed where the template takes one: otherwise ComfyUI would hand out what it has. For
 * whoever asked, and once: the next result has a button of its own. Null where the template is not known.
 */
export const againButton = async (
  job: Pick<Job, 'id' | 'template' | 'inputs' | 'requester'>,
  { templates, newId }: AgainDeps,
  signal: AbortSignal,
): Promise<Button | null> => {
  const list = await templates.get({ signal })
  const template = list.ok ? list.value.find(({ id }) => id === job.template) : undefined
  if (!template || Object.values(job.inputs).some((value) => typeof value === 'object')) return null
  const seed = template.allowedInputs.includes('seed')
    ? { seed: createHash('sha256').update(newId()).digest().readUInt32BE(0) }
    : {}
  const inputs = Object.entries({ ...job.inputs, ...seed }).map(([key, value]) => `${key}=${value}`)
  const say = print('/run', [job.template, ...inputs])
  if (say.length > mostCharacters) return null
  return { label: texts.jobs.againButton, say, only: job.requester, once: `again:${job.id}`, ttlMs }
}
