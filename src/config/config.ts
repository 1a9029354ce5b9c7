import type { RawRules } from '../../policy/rules.ts'
import type { SecretRef } from '../../policy/secret-refs.ts'
import type { Tenancy } from '../../policy/tenants.ts'
import type { AdapterModule } from '../contract/index.ts'
import type { Subnet } from './proxies.ts'
import type { Value } from './value.ts'

export interface PlatformConfig {
  readonly module: AdapterModule
  /** Keyed as in the module's table. */
  readonly settings: Readonly<Record<string, Value>>
  readonly active: boolean
  /** Full names of the variables that would switch it on, when it was configured in part. */
  readonly missing: readonly string[]
}

/** Everything the environment says, checked and in the program's units. Frozen all the way down. */
export interface Config {
  readonly backend: {
    readonly url: string
    readonly adminToken: string | null
    readonly obsToken: string | null
    /** The header to send with every call, or null outside multi-tenant mode. */
    readonly tenant: { readonly header: string; readonly id: string } | null
  }
  /** Whose workspaces are; null outside multi-tenant mode. */
  readonly tenancy: Tenancy | null
  /** What was written about who may do what, not yet interpreted: policy makes the rules of it and may refuse it. */
  readonly rules: RawRules
  /** How exposed the operator means it to be; what follows from that is `policy/posture`. */
  readonly posture: { readonly deployment: string; readonly runtime: string }
  readonly stateDir: string
  /** 32 bytes as text; null: a file in the state directory holds the key. */
  readonly secretKey: string | null
  readonly admin: { readonly host: string; readonly port: number }
  /** One listener for all webhooks, or null: each has its own. */
  readonly http: { readonly host: string; readonly port: number } | null
  readonly publicBaseUrl: string | null
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly Subnet[]
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'pretty' | 'json' }
  readonly limits: {
    readonly userPerMinute: number
    readonly channelPerMinute: number
    readonly maxCommandLength: number
    readonly maxPending: number
    readonly maxPendingPerSender: number
    readonly concurrentCommands: number
    readonly retentionMs: number
  }
  readonly delivery: { readonly maxFiles: number; readonly maxBytes: number; readonly timeoutMs: number }
  readonly media: {
    readonly path: string
    readonly ttlMs: number
    readonly maxBytes: number
    readonly maxTotalBytes: number
    readonly maxInputBytes: number
  }
  readonly platforms: readonly PlatformConfig[]
  /** Values that must never appear in a log line or an answer. */
  readonly secrets: readonly string[]
  /** How each secret there is a setting for stands, without its value. */
  readonly secretRefs: readonly SecretRef[]
  /** One sentence each, beginning with the variable. No secret in them. */
  readonly warnings: readonly string[]
}
