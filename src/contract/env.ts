/** One row of an environment table. Parsing, clamping, `.env.example`, the README table, `doctor` and redaction all
 *  derive from these rows. `name` is the key of the table without its prefix (`OPENCLAW_CONNECTOR_<PLATFORM>_`). */
export type EnvRow =
  | {
      readonly kind: 'text'
      readonly about: string
      readonly secret?: boolean
      readonly fallback?: string
      readonly matches?: RegExp
      readonly example?: string
    }
  /** An http(s) origin or base URL; https is required unless the host is loopback. Trailing slashes are cut. */
  | { readonly kind: 'url'; readonly about: string; readonly fallback?: string; readonly example?: string }
  | {
      readonly kind: 'int'
      readonly about: string
      readonly fallback: number
      readonly min: number
      readonly max: number
    }
  /** Like `int`, but out of range falls back to the default instead of being clamped. */
  | { readonly kind: 'port'; readonly about: string; readonly fallback: number }
  /** `false` or `true`, any case; `1 0 yes no on off` too. Anything else stops the start. */
  | { readonly kind: 'flag'; readonly about: string; readonly fallback: boolean }
  | { readonly kind: 'choice'; readonly about: string; readonly options: readonly string[]; readonly fallback: string }
  /** A list of ids, bare or qualified. `trust` says what being listed means. */
  | {
      readonly kind: 'ids'
      readonly about: string
      readonly trust: 'users' | 'chats'
      readonly example?: string
      readonly matches?: RegExp
    }

export type EnvTable = Readonly<Record<string, EnvRow>>

type ValueOf<R> = R extends { kind: 'int' | 'port' }
  ? number
  : R extends { kind: 'flag' }
    ? boolean
    : R extends { kind: 'ids' }
      ? readonly string[]
      : R extends { fallback: string }
        ? string
        : string | undefined

/** What `create` gets: the table's names with their parsed values. */
export type SettingsOf<T extends EnvTable> = { readonly [K in keyof T]: ValueOf<T[K]> }
