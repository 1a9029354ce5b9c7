import type { SendCode } from '../../src/contract/index.ts'

export interface CallFacts {
  /** HTTP status; null when no answer came. */
  readonly status?: number | null
  readonly retryAfterMs?: number | null
  readonly delivered?: 'no' | 'maybe'
}

/** What every adapter's own error knows of a call that did not succeed. The message holds no secret. */
export abstract class CallError extends Error {
  /** Null when no answer came. */
  readonly status: number | null
  readonly retryAfterMs: number | null
  /** `maybe`: the call left us, and what became of it is unknown. */
  readonly delivered: 'no' | 'maybe'

  constructor(message: string, { status = null, retryAfterMs = null, delivered = 'no' }: CallFacts) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.delivered = delivered
  }
}

/** The class of each code, of a table that lists the codes of each class. */
export const classesOf = <Code extends number | string>(
  table: Readonly<Partial<Record<SendCode, readonly Code[]>>>,
): ReadonlyMap<Code, SendCode> =>
  new Map(
    Object.entries(table).flatMap(([name, codes]) => codes.map((code): [Code, SendCode] => [code, name as SendCode])),
  )
