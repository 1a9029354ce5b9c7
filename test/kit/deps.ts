import type { AdapterDeps, AdapterModule, Log } from '../../src/contract/index.ts'
import { testInstalls } from './installs.ts'

/** A log that keeps every line as JSON text, for "no secret in any line". */
export const keepingLog = (): Log & { readonly lines: string[] } => {
  const lines: string[] = []
  const put = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, message, ...fields }))
  }
  return { lines, debug: put('debug'), info: put('info'), warn: put('warn'), error: put('error') }
}

export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })

/** Real fetch and clock, everything else kept in memory: what an adapter needs to run alone in a test. */
export const testDeps = (over: Partial<AdapterDeps> = {}): AdapterDeps & { readonly log: Log } => {
  const memo = new Map<string, string>()
  return {
    fetch: globalThis.fetch,
    now: () => Date.now(),
    random: () => 0.5,
    sleep,
    log: keepingLog(),
    memo: {
      get: (key) => memo.get(key) ?? null,
      set: async (key, value) => {
        memo.set(key, value)
      },
    },
    media: {
      open: async (blob) => new Blob([`bytes of ${blob}`]),
      link: () => null,
    },
    say: (id) => `<${id}>`,
    menu: { everyone: [], admin: [], admins: [] },
    installs: testInstalls(),
    templates: async () => [],
    jobsOf: async () => null,
    ...over,
  }
}

/** Settings as `create` gets them, from texts as a fake gives them: kinds are converted by the env table. */
export const settingsFrom = (module: AdapterModule, texts: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(module.env).map(([name, row]) => {
      const text = texts[name]
      if (text === undefined) return [name, row.kind === 'ids' ? [] : 'fallback' in row ? row.fallback : undefined]
      if (row.kind === 'int' || row.kind === 'port') return [name, Number(text)]
      if (row.kind === 'flag') return [name, text === 'true']
      if (row.kind === 'ids') return [name, text.split(',').map((id) => id.trim())]
      return [name, text]
    }),
  )
