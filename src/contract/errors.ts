/**
 * Why a send failed, in words every platform shares:
 * `rate_limited` wait and send again · `unavailable` platform or network trouble, send again · `auth` our token is
 * refused, the whole account waits · `target_gone` the chat blocked us or is gone, for good · `thread_gone` only the
 * thread is gone · `rejected` the platform will never take this part · `media_rejected` it won't take this file this
 * way: one rung down · `handle_gone` the one-time answer is used or expired: push or mailbox · `edit_gone` the
 * message can't be edited any more · `window_closed` the person has to write first: mailbox.
 */
export type SendCode =
  | 'rate_limited'
  | 'unavailable'
  | 'auth'
  | 'target_gone'
  | 'thread_gone'
  | 'rejected'
  | 'media_rejected'
  | 'handle_gone'
  | 'edit_gone'
  | 'window_closed'

export class SendError extends Error {
  override readonly name = 'SendError'
  readonly code: SendCode
  /** `maybe`: the call left us and no answer came; only then a repeat can double. */
  readonly delivered: 'no' | 'maybe'
  readonly retryAfterMs: number | null
  /** What the person may be told about a refused file: the app was not given the right to send any. */
  readonly why: 'no_permission' | null

  constructor(
    code: SendCode,
    message: string,
    more: {
      readonly delivered?: 'no' | 'maybe'
      readonly retryAfterMs?: number | null
      readonly why?: 'no_permission'
      readonly cause?: unknown
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.delivered = more.delivered ?? 'no'
    this.retryAfterMs = more.retryAfterMs ?? null
    this.why = more.why ?? null
  }
}

/** An adapter's stream cannot go on. `fatal`: trying again is of no use until the operator changed something. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly fatal: boolean
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    more: { readonly fatal?: boolean; readonly retryAfterMs?: number | null; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.fatal = more.fatal ?? false
    this.retryAfterMs = more.retryAfterMs ?? null
  }
}

/** One mistake in the configuration: which variable, what was read (secrets masked), and the cure. */
export interface ConfigProblem {
  readonly variable: string
  readonly read: string
  readonly cure: string
}

/** Thrown once, with every mistake found. The process ends with exit code 78 (EX_CONFIG of sysexits.h). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map((p) => `${p.variable}: ${p.read}. ${p.cure}`).join('\n'))
    this.problems = problems
  }
}
