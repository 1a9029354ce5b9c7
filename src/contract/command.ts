/** Classes of commands, from harmless to powerful (spec/connector.md, command authorization policy). */
export type CommandClass = 'public' | 'run' | 'admin'

/** A command as data: routing, help, policy and the platform menus read it. */
export interface CommandInfo {
  /** Canonical, with slash: `/stop`. */
  readonly name: string
  /** Other spellings, with or without slash, lower case. */
  readonly aliases: readonly string[]
  readonly class: CommandClass
  /** When the class is refused, people may still use it on what is their own (their jobs). */
  readonly own: boolean
  /** Needs the connector's admin token for the backend. */
  readonly needsToken: boolean
  /** Each use is paid for by the operator: strangers may only where an override or the list of the class says so. */
  readonly costs?: true
  readonly section: 'run' | 'look' | 'decide' | 'chat'
  /** `/run <template> [words] [key=value …] [--approval]` */
  readonly usage: string
  /** One line, at most 80 characters. */
  readonly about: string
  /** A real example a person could send. */
  readonly example: string
}

export type Trust = 'admin' | 'trusted' | 'stranger'

/** What policy said, with the name of the rule that said it. `scope`: whether others' things may be touched. */
export type Decision =
  | { readonly kind: 'allow'; readonly rule: string; readonly scope: 'all' | 'own' }
  | { readonly kind: 'approval'; readonly rule: string; readonly scope: 'own' }
  | { readonly kind: 'deny'; readonly rule: string }

/** A command line taken apart: `/run portrait a fox steps=20 --approval`. */
export interface CommandLine {
  /** First word as typed, lower case, mention suffix cut. */
  readonly word: string
  /** All further words, unquoted, in order. */
  readonly args: readonly string[]
  /** Everything behind the command word as it was typed. */
  readonly rest: string
}
