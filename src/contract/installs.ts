/** How an installation of ours in somebody's workspace stands. Only `active` and `rotating` ones are used. */
export type InstallStatus = 'created' | 'active' | 'rotating' | 'revoked' | 'deactivated' | 'uninstalled'

export type InstallHealth = 'ok' | 'degraded' | 'rate_limited' | 'invalid_token' | 'revoked' | 'workspace_unbound'

/** One installation, without any secret. */
export interface Installation {
  readonly platform: string
  readonly tenant: string
  /** The platform's id of the workspace (team, tenant key, binding). */
  readonly workspace: string
  /** Ours: stable, unique, opaque. */
  readonly id: string
  readonly status: InstallStatus
  readonly statusReason: string
  readonly health: { readonly state: InstallHealth; readonly reason: string; readonly atMs: number }
  /** Names of the secrets held for it, never their values. */
  readonly secretNames: readonly string[]
  /** Plain facts: names, ids of our bot there, scopes. */
  readonly facts: Readonly<Record<string, string>>
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export interface NewInstallation {
  readonly workspace: string
  readonly facts: Readonly<Record<string, string>>
  /** Encrypted before they reach the disk. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Fail-closed: whatever is not exactly one usable installation is refused, with the rule that refused it. */
export type Resolution =
  | { readonly ok: true; readonly installation: Installation; readonly secrets: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly reason: ResolveRefusal; readonly health: InstallHealth }

export type ResolveRefusal =
  | 'missing_binding'
  | 'ambiguous_binding'
  | 'inactive_binding'
  | `stale_token_ref:${string}`
  | 'tenant_mismatch'

/** A platform's own installations. Durable; changes resolve once they are on disk. */
export interface Installs {
  readonly resolve: (workspace: string) => Resolution
  /** Adds or renews; it is active afterwards, unless the operator has switched it off: then it stays so. Secrets that
   *  are not named any more are gone. */
  readonly save: (install: NewInstallation) => Promise<Installation>
  readonly note: (
    workspace: string,
    change: {
      readonly status?: { readonly to: InstallStatus; readonly reason: string }
      readonly health?: { readonly state: InstallHealth; readonly reason: string }
    },
  ) => Promise<void>
  readonly list: () => readonly Installation[]
  /** The same for those with these facts alone, where several apps of ours can be in one workspace: the others are as
   *  good as not there. What is saved here gets the facts. */
  readonly having: (facts: Installation['facts']) => Installs
}
