import type { SendError } from '../contract/index.ts'

/** `mute`: it takes in, but nothing it sends gets through at the moment. */
export interface PlatformState {
  readonly state: 'starting' | 'up' | 'mute' | 'down' | 'failed'
  readonly about: string
}

/** What sends say about how a platform is doing, beside its intake. */
export interface Sendings {
  /** A send failed, or one went well (null). */
  readonly note: (platform: string, error: SendError | null) => void
  /** The state of its intake, or what is wrong with sending where that intake is well. */
  readonly over: (platform: string, state: PlatformState) => PlatformState
}

/** Longer than the longest wait before such a send comes again: who did not repeat it says nothing any more. */
const unreachableMs = 2 * 60_000

export const makeSendings = (now: () => number): Sendings => {
  const troubles = new Map<string, { readonly as: PlatformState; readonly untilMs: number }>()
  return {
    note: (platform, error) => {
      if (error === null) troubles.delete(platform)
      else if (error.code === 'auth')
        troubles.set(platform, { as: { state: 'down', about: error.message }, untilMs: Number.POSITIVE_INFINITY })
      else if (error.code === 'unavailable')
        troubles.set(platform, { as: { state: 'mute', about: error.message }, untilMs: now() + unreachableMs })
    },
    over: (platform, state) => {
      const trouble = troubles.get(platform)
      return trouble && trouble.untilMs > now() && state.state === 'up' ? trouble.as : state
    },
  }
}
