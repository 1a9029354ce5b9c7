// Beside the usual file names: a terminal has no buttons, so each gets a number that a person can type as `#7`.
import type { PartButton } from '../../src/contract/index.ts'

export interface Choice {
  readonly number: number
  readonly label: string
}

export interface Choices {
  /** Numbers for the buttons of a message; a button it already had keeps its number, the others are taken back. */
  readonly offer: (message: string, buttons: readonly PartButton[]) => readonly Choice[]
  /** The action behind a number; null when there is no such button (any more). */
  readonly press: (number: number) => { readonly action: string; readonly message: string } | null
}

const KEPT = 500

export const makeChoices = (): Choices => {
  const offered = new Map<number, { readonly action: string; readonly message: string }>()
  let count = 0
  return {
    offer: (message, buttons) => {
      const before = [...offered].filter(([, choice]) => choice.message === message)
      const choices = buttons.map(({ action, label }) => {
        const kept = before.find(([, choice]) => choice.action === action)
        const number = kept?.[0] ?? ++count
        offered.set(number, { action, message })
        return { number, label }
      })
      for (const [number] of before) if (!choices.some((choice) => choice.number === number)) offered.delete(number)
      for (const number of offered.keys()) if (number <= count - KEPT) offered.delete(number)
      return choices
    },
    press: (number) => offered.get(number) ?? null,
  }
}
