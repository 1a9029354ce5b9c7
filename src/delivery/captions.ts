import type { Artifact, Capabilities } from '../contract/index.ts'
import { reach } from './measure.ts'
import { largestBytes, type RungChoice } from './rungs.ts'

/** The sentences the planner adds by itself. Each is one line. */
export interface PlanTexts {
  /** A file that is not handed over, and how to get it. `maxBytes`: what this chat takes of its kind; 0 when it takes
   *  none. `needsLink`: it could be handed over as a link if a public address were configured. */
  readonly tooLarge: (file: {
    readonly name: string
    readonly bytes: number
    readonly maxBytes: number
    readonly needsLink: boolean
  }) => string
  /** A file that we have no right to send. */
  readonly notAllowed: (name: string) => string
  /** What to type where there are no buttons, or no more of them. */
  readonly typeInstead: (says: readonly string[]) => string
  /** Label of the button that fetches what is still waiting. */
  readonly moreLabel: (n: number) => string
}

/** The line that stands for a file no rung takes. `maxBytes` is 0 too when the size is not what is in the way. */
export const fileNote = (artifact: Artifact, caps: Capabilities, choice: RungChoice, texts: PlanTexts): string => {
  const { name, bytes } = artifact
  const maxBytes = largestBytes(artifact, caps, choice)
  const needsLink = !choice.canLink && Math.max(1, bytes) <= largestBytes(artifact, caps, { ...choice, canLink: true })
  return texts.tooLarge({ name, bytes, maxBytes: bytes > maxBytes ? maxBytes : 0, needsLink })
}

/** Whether a text may stand under a file of this rung. */
export const fitsCaption = (text: string, captionMax: number, caps: Capabilities): boolean =>
  text !== '' && captionMax > 0 && reach(text, 0, captionMax, caps.text.unit) === text.length

/** Sentences that exist, one below the other. */
export const lines = (...all: readonly (string | null | undefined)[]): string =>
  all.filter((line) => line != null && line.trim() !== '').join('\n')
