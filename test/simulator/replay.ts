import { readFileSync } from 'node:fs'
import type { Settings } from '../../src/simulator/index.ts'
import { benchTemplates, type Got, got, openStage, type Stage } from './kit.ts'

/** One recorded exchange that the simulator has to repeat in shape. */
export interface Case {
  readonly sample: string
  readonly options?: Partial<Settings>
  /** Brings a fresh simulator into the state of the recording. An id it returns takes the place of the recorded ids
   *  in the request. */
  readonly prepare?: (stage: Stage) => Promise<string | undefined>
  /** Why only the fields that were kept in the recording are compared. */
  readonly partial?: string
}

export interface Sample {
  readonly host: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly json?: unknown
    readonly raw_body?: string
    readonly multipart?: Readonly<Record<string, string>>
  }
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export const samples = new URL('../backend-samples/', import.meta.url)

export const readSample = (name: string): Sample => JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8'))

const anyId = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(apr|sched)_[0-9a-f]{12}/g

/** What the recording ran on, read off its description. */
const optionsOf = (host: string): Partial<Settings> => ({
  host: host.includes('0.3.64') ? 'old' : 'new',
  templates: benchTemplates,
  ...(host.includes('no admin token') ? { adminToken: null } : {}),
  ...(host.includes('MULTI_TENANT_ENABLED=1') ? { multiTenant: true } : {}),
  ...(host.includes('REQUIRE_APPROVAL_FOR_TRIGGERS=1') ? { approvalByDefault: true } : {}),
})

/** Sends the recorded request to a prepared simulator. */
export async function replay({ sample, options, prepare }: Case): Promise<Got> {
  const { host, request } = readSample(sample)
  const stage = await openStage({ ...optionsOf(host), ...options })
  try {
    const id = await prepare?.(stage)
    const put = (text: string) => (id === undefined ? text : text.replaceAll(anyId, id))
    const headers: Record<string, string> = { ...request.headers }
    // The page of the backend itself: its port is another one here.
    if (headers.Origin?.startsWith('http://127.0.0.1')) headers.Origin = stage.sim.url
    const body = bodyOf(request, put, headers)
    const url = `${stage.sim.url}${put(request.path)}`
    const answer = await got(await fetch(url, { method: request.method, headers, ...body }))
    const faults = stage.sim.control.faults()
    if (faults.length > 0) throw faults[0]
    return answer
  } finally {
    await stage.close()
  }
}

function bodyOf(request: Sample['request'], put: (text: string) => string, headers: Record<string, string>) {
  if (request.raw_body !== undefined) return { body: request.raw_body }
  if (request.multipart !== undefined) {
    const form = new FormData()
    for (const [name, value] of Object.entries(request.multipart)) {
      if (value.startsWith('<file')) form.set(name, new Blob([new Uint8Array(77)], { type: 'image/png' }), 'photo.png')
      else form.set(name, value)
    }
    return { body: form }
  }
  if (request.json === undefined) return {}
  headers['Content-Type'] = 'application/json'
  // Our nodes that take their time and break down have other names than the recorded ones.
  const text = put(JSON.stringify(request.json)).replaceAll('BenchSlow', 'SimulatorSlow')
  return { body: text.replaceAll('<33051 bytes of JSON>', '') }
}
