import * as v from 'valibot'

/** Ids go into paths, so they are checked before a request is made. A prompt id is also a file name elsewhere. */
const promptIdGrammar = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const opaqueIdGrammar = /^[A-Za-z0-9_-]{1,64}$/
/** A file name without its ending, in any script; it only travels inside JSON. */
const templateIdGrammar = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._ -]{0,127}$/u

export const isPromptId = (id: string): boolean => promptIdGrammar.test(id)
/** Ids of approvals and schedules. */
export const isOpaqueId = (id: string): boolean => opaqueIdGrammar.test(id)
export const isTemplateId = (id: string): boolean => templateIdGrammar.test(id) && !id.includes('..')

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text, cut to `max`. */
export const clipped = (max: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => text.slice(0, max)),
  )
/** For fields we can do without: whatever does not fit reads as null. */
export const orNull = <T>(schema: v.GenericSchema<unknown, T>) => v.fallback(v.nullable(schema), null)
export const finite = v.pipe(v.number(), v.finite())
const count = v.fallback(v.pipe(v.number(), v.integer(), v.minValue(0)), 0)

/** Python's `isoformat()` with microseconds and an offset, in ms since the epoch. */
export const isoTime = v.pipe(
  v.string(),
  v.maxLength(64),
  v.transform((text) => Date.parse(text)),
  v.number(),
  v.finite(),
)

/** The value if it fits, else null. */
export const take = <T>(schema: v.GenericSchema<unknown, T>, json: unknown): T | null => {
  const result = v.safeParse(schema, json)
  return result.success ? result.output : null
}

/** Entries that don't fit are left out: one odd record must not hide the others. Null when it is no list. */
export const takeEach = <T>(list: unknown, read: (entry: unknown) => T | null, max: number): T[] | null =>
  Array.isArray(list)
    ? list
        .slice(0, max)
        .map(read)
        .filter((entry) => entry !== null)
    : null

export interface Health {
  readonly packVersion: string | null
  /** Going down means that the backend was restarted: its queue and history are gone. */
  readonly uptimeSec: number | null
  readonly logsProcessed: number
  readonly errorsCaptured: number
  /** Null when this backend does not say (fields left out). */
  readonly llmConfigured: boolean | null
  readonly llmProvider: string | null
  readonly llmModel: string | null
  readonly startupState: string | null
  readonly ready: boolean | null
}

/** Must be there in the type, may be missing in the answer; looked at by hand. */
export const anything = v.optional(v.unknown())
const object = <T extends v.ObjectEntries>(entries: T) => v.object(entries)
const name = orNull(clipped(128))
const flag = orNull(v.boolean())

const health = object({
  ok: v.optional(v.boolean()),
  pack: orNull(object({ version: name })),
  uptime_sec: orNull(finite),
  config: orNull(object({ provider: name, model: name, llm_key_configured: flag, llm_key_required: flag })),
  stats: orNull(object({ errors_captured: count, logs_processed: count })),
  startup: orNull(object({ state: name, ready: flag })),
})

export function readHealth(json: unknown): Health | null {
  const body = take(health, json)
  if (body === null || (body.ok !== true && body.pack === null)) return null
  const { config } = body
  const keyKnown = config !== null && (config.llm_key_configured !== null || config.llm_key_required !== null)
  return {
    packVersion: body.pack?.version ?? null,
    uptimeSec: body.uptime_sec,
    logsProcessed: body.stats?.logs_processed ?? 0,
    errorsCaptured: body.stats?.errors_captured ?? 0,
    llmConfigured: keyKnown ? config.llm_key_configured === true || config.llm_key_required === false : null,
    llmProvider: config?.provider ?? null,
    llmModel: config?.model ?? null,
    startupState: body.startup?.state ?? null,
    ready: body.startup?.ready ?? null,
  }
}

export interface BackendCapabilities {
  readonly packVersion: string | null
  readonly features: Readonly<Record<string, boolean>>
}

export function readCapabilities(json: unknown): BackendCapabilities | null {
  const body = take(object({ pack: orNull(object({ version: name })), features: anything }), json)
  if (body === null || !isRecord(body.features)) return null
  const features = Object.entries(body.features).filter(
    (entry): entry is [string, boolean] => typeof entry[1] === 'boolean',
  )
  return { packVersion: body.pack?.version ?? null, features: Object.fromEntries(features.slice(0, 500)) }
}

export interface BackendConfig {
  readonly provider: string | null
  readonly model: string | null
  /** Only older packs say; newer ones say it in `health`. */
  readonly apiKeyConfigured: boolean | null
}

const llmConfig = object({ provider: name, model: name, api_key_configured: flag })

/** Some versions wrap the settings in `config`, some don't. */
export const readConfig = (json: unknown): BackendConfig | null => {
  const settings = take(llmConfig, isRecord(json) && isRecord(json.config) ? json.config : json)
  if (settings === null) return null
  return { provider: settings.provider, model: settings.model, apiKeyConfigured: settings.api_key_configured }
}

export interface Template {
  readonly id: string
  /** A description, not a limit: the backend takes any key. Empty when the manifest says nothing. */
  readonly allowedInputs: readonly string[]
  readonly defaults: Readonly<Record<string, string | number | boolean>>
}

const plain = v.union([clipped(4000), finite, v.boolean()])
const template = object({
  id: v.pipe(v.string(), v.check(isTemplateId)),
  allowed_inputs: anything,
  defaults: anything,
})

function readTemplate(json: unknown): Template | null {
  const body = take(template, json)
  if (body === null) return null
  const defaults = Object.entries(isRecord(body.defaults) ? body.defaults : {}).map(([key, value]) => [
    key,
    take(plain, value),
  ])
  return {
    id: body.id,
    allowedInputs: takeEach(body.allowed_inputs, (key) => take(v.pipe(v.string(), v.maxLength(128)), key), 500) ?? [],
    defaults: Object.fromEntries(defaults.filter(([, value]) => value !== null).slice(0, 500)),
  }
}

export const readTemplates = (json: unknown): readonly Template[] | null =>
  isRecord(json) ? takeEach(json.templates, readTemplate, 5000) : null

/** How many jobs run or wait. */
export const readQueueRemaining = (json: unknown): number | null =>
  take(object({ exec_info: object({ queue_remaining: v.pipe(v.number(), v.integer(), v.minValue(0)) }) }), json)
    ?.exec_info.queue_remaining ?? null

export interface SystemStats {
  readonly comfyVersion: string | null
  readonly ramTotalBytes: number | null
  readonly ramFreeBytes: number | null
  readonly devices: readonly {
    readonly name: string | null
    readonly type: string | null
    readonly vramTotalBytes: number | null
    readonly vramFreeBytes: number | null
  }[]
}

const device = object({ name, type: name, vram_total: orNull(finite), vram_free: orNull(finite) })
const system = object({ comfyui_version: name, ram_total: orNull(finite), ram_free: orNull(finite) })

/** Leaves out `argv`, which holds paths. */
export function readSystemStats(json: unknown): SystemStats | null {
  const body = take(object({ system, devices: anything }), json)
  if (body === null) return null
  const devices = takeEach(body.devices, (entry) => take(device, entry), 64) ?? []
  return {
    comfyVersion: body.system.comfyui_version,
    ramTotalBytes: body.system.ram_total,
    ramFreeBytes: body.system.ram_free,
    devices: devices.map((d) => ({
      name: d.name,
      type: d.type,
      vramTotalBytes: d.vram_total,
      vramFreeBytes: d.vram_free,
    })),
  }
}
