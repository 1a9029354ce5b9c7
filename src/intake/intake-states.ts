import type { PlatformState } from './states.ts'

export interface IntakeState {
  readonly put: (state: PlatformState['state'], about: string) => void
  /** It stopped for good, with what it last said. */
  readonly failed: () => void
}

const bestFirst: readonly PlatformState['state'][] = ['up', 'starting', 'mute', 'down', 'failed']

/**
 * What several intakes of one platform make together (one for each account, or a connection with a webhook beside it): it
 * works while one of them does, and what is wrong with the others is said first. What stands beside others, though, can't
 * make up for all of them. `set` gets the whole whenever one of them changes; the result adds an intake.
 */
export const intakeStates = (set: (state: PlatformState) => void): ((beside: boolean) => IntakeState) => {
  const all: (PlatformState & { readonly beside: boolean })[] = []
  return (beside) => {
    const nth = all.push({ state: 'starting', about: 'starting', beside }) - 1
    const put: IntakeState['put'] = (state, about) => {
      all[nth] = { state, about, beside }
      const judged = all.some((one) => !one.beside) ? all.filter((one) => !one.beside) : all
      set({ state: bestOf(judged), about: wordsOf(all) })
    }
    return { put, failed: () => put('failed', all[nth]?.about ?? 'stopped') }
  }
}

const bestOf = (all: readonly PlatformState[]): PlatformState['state'] =>
  bestFirst.find((one) => all.some(({ state }) => state === one)) ?? 'starting'

const wordsOf = (all: readonly PlatformState[]): string => {
  const worstFirst = all.toSorted((a, b) => bestFirst.indexOf(b.state) - bestFirst.indexOf(a.state))
  const said = worstFirst.filter(({ state }) => state !== 'starting').map(({ about }) => about)
  return [...new Set(said)].join('; ') || 'starting'
}
