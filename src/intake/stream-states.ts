import type { Report } from '../contract/index.ts'

export interface PlatformState {
  readonly state: 'starting' | 'up' | 'down' | 'failed'
  readonly about: string
}

export interface StreamState {
  readonly report: Report
  /** It stopped for good, with what it last said. */
  readonly failed: () => void
}

const bestFirst: readonly PlatformState['state'][] = ['up', 'starting', 'down', 'failed']

/**
 * What several streams of one platform make together (one for each account, say): it works while one of them does, and
 * what is wrong with the others is said first. `set` gets that whenever one of them changes; the result adds a stream.
 */
export const streamStates = (set: (state: PlatformState) => void): (() => StreamState) => {
  const all: PlatformState[] = []
  return () => {
    const nth = all.push({ state: 'starting', about: 'starting' }) - 1
    const put = (state: PlatformState['state'], about: string): void => {
      all[nth] = { state, about }
      set(together(all))
    }
    return { report: put, failed: () => put('failed', all[nth]?.about ?? 'stopped') }
  }
}

const together = (all: readonly PlatformState[]): PlatformState => {
  const state = bestFirst.find((one) => all.some((stream) => stream.state === one)) ?? 'starting'
  const worstFirst = all.toSorted((a, b) => bestFirst.indexOf(b.state) - bestFirst.indexOf(a.state))
  const said = worstFirst.filter((stream) => stream.state !== 'starting').map(({ about }) => about)
  return { state, about: [...new Set(said)].join('; ') || 'starting' }
}
