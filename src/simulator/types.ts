export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

export type Workflow = Readonly<Record<string, WorkflowNode>>

export interface WorkflowNode {
  readonly class_type: string
  readonly inputs: JsonObject
}

export interface TemplateSpec {
  readonly id: string
  /** As the manifest lists them; absent: no manifest entry, so the backend shows no inputs and no defaults. */
  readonly allowedInputs?: readonly string[]
  readonly defaults?: JsonObject
  /** What the template file holds. Usually a workflow; anything else is refused when it is submitted. */
  readonly workflow: JsonObject
}

export interface ChatAsk {
  readonly system: string
  readonly message: string
}

export type ChatAnswer =
  | { readonly text: string }
  /** The provider refused: its status is passed on, `error` is its own sentence. */
  | { readonly status: number; readonly error: string; readonly retryAfterSec?: number }

export interface Llm {
  readonly provider: string
  readonly model: string
  readonly keyConfigured: boolean
  readonly keyRequired: boolean
  readonly answer: (ask: ChatAsk) => ChatAnswer | Promise<ChatAnswer>
}

export interface Settings {
  /** `new`: ComfyUI 0.33.0 with the jobs routes; `old`: 0.3.64 without them. */
  readonly host: 'new' | 'old'
  readonly adminToken: string | null
  readonly obsToken: string | null
  /** Treat every caller as one from another machine. */
  readonly remote: boolean
  /** False: ComfyUI without the OpenClaw pack (it refused to load). */
  readonly pack: boolean
  readonly multiTenant: boolean
  readonly approvalByDefault: boolean
  readonly approvalTtlMs: number
  /** How long one sampling step takes. */
  readonly stepMs: number
  /** How long a trigger holds the one submit slot. */
  readonly submitMs: number
  /** How long `POST /schedules/{id}/run` freezes everything. */
  readonly scheduleFreezeMs: number
  /** How often due schedules are looked for. */
  readonly scheduleTickMs: number
  /** Requests a principal may make per UTC day in a limited class; null: no cap. */
  readonly dailyCap: number | null
  /** Whether an unchanged node is not run again, as ComfyUI does. */
  readonly cache: boolean
  readonly templates: readonly TemplateSpec[]
  readonly llm: Partial<Llm>
  readonly now: () => number
  /** A fresh UUID. */
  readonly id: () => string
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
