import type { AdapterDeps, TemplateHint } from '../contract/index.ts'
import type { Cached } from './cached.ts'
import type { Template } from './wire.ts'

export interface HintsDeps {
  readonly templates: Cached<readonly Template[]>
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Somebody is typing: platforms give about three seconds, and nobody wants to wait for one. */
const patienceMs = 1000

/** Without a list of inputs a template takes any; then nothing can be offered. */
const hintOf = ({ id, allowedInputs, defaults }: Template): TemplateHint => ({
  id,
  label: id,
  inputs: allowedInputs.map((name) => ({ name, required: !Object.hasOwn(defaults, name) })),
})

/** Templates as choices while somebody types. What was good last serves when the backend can't be asked in time. */
export const makeHints = ({ templates, sleep }: HintsDeps): AdapterDeps['templates'] => {
  let last: readonly TemplateHint[] = []
  return async (signal) => {
    const done = new AbortController()
    const impatient = AbortSignal.any([signal, done.signal])
    const answer = await Promise.race([templates.get({ signal }), sleep(patienceMs, impatient).then(() => null)])
    done.abort()
    if (answer?.ok) last = answer.value.map(hintOf)
    return last
  }
}
