const approvalFlags: readonly string[] = ['--approval', '--require-approval', '-a']
const keyGrammar = /^[A-Za-z_][A-Za-z0-9_.-]*$/
/** Where free words go when a template takes several inputs, best first. */
const wordKeys = ['positive_prompt', 'prompt', 'text', 'positive', 'caption'] as const

export interface RunRequest {
  /** Null: none was given, show the usage. Case is kept. */
  readonly templateId: string | null
  readonly inputs: Readonly<Record<string, string>>
  /** What was written without a key. */
  readonly words: string | null
  readonly forceApproval: boolean
}

/** `key=value` split at the first `=`, both trimmed; null when the left side is no key: then it is just a word. */
function pairOf(arg: string): readonly [string, string] | null {
  const at = arg.indexOf('=')
  const key = arg.slice(0, Math.max(at, 0)).trim()
  return keyGrammar.test(key) ? [key, arg.slice(at + 1).trim()] : null
}

/** Reads the arguments of `/run`, in any order. Native commands have no positions: there `template=…` names it. */
export function parseRun(args: readonly string[]): RunRequest {
  const inputs = new Map<string, string>()
  const others: string[] = []
  let forceApproval = false
  args.forEach((arg, i) => {
    if (approvalFlags.includes(arg)) {
      forceApproval = true
      return
    }
    if (arg === '--input' && pairOf(args[i + 1] ?? '') !== null) return
    const pair = pairOf(arg.startsWith('--input=') ? arg.slice('--input='.length) : arg)
    if (pair === null) others.push(arg)
    else inputs.set(pair[0], pair[1])
  })
  const [first, ...words] = others
  const templateId = first?.trim() || inputs.get('template') || null
  if (first === undefined) inputs.delete('template')
  return { templateId, inputs: Object.fromEntries(inputs), words: words.join(' ').trim() || null, forceApproval }
}

/** The input that free words fill. `allowedInputs` null or empty: the template does not say what it takes. */
export function wordsKey(allowedInputs: readonly string[] | null): string {
  const [only, another] = allowedInputs ?? []
  if (only !== undefined && another === undefined) return only
  return wordKeys.find((key) => allowedInputs?.includes(key)) ?? 'positive_prompt'
}

/** The inputs with the free words in their place. An explicit key wins; `dropped` are words that found no room, which
 *  the person should hear about. */
export function placeWords<V>(
  run: { readonly inputs: Readonly<Record<string, V>>; readonly words: string | null },
  allowedInputs: readonly string[] | null,
): { readonly inputs: Readonly<Record<string, V | string>>; readonly dropped: string | null } {
  if (run.words === null) return { inputs: run.inputs, dropped: null }
  const key = wordsKey(allowedInputs)
  if (Object.hasOwn(run.inputs, key)) return { inputs: run.inputs, dropped: run.words }
  return { inputs: { ...run.inputs, [key]: run.words }, dropped: null }
}

const switches = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
])

/** ComfyUI makes numbers of texts, but to it every text that is not empty means "on": where the default is a switch,
 *  what a person wrote becomes one. */
export const withSwitches = (
  inputs: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (typeof value !== 'string' || typeof defaults[key] !== 'boolean') return [key, value]
      return [key, switches.get(value.toLowerCase()) ?? value]
    }),
  )
