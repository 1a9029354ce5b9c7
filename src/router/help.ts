import type { CommandInfo } from '../contract/index.ts'

const sectionOrder = ['run', 'look', 'decide', 'chat'] as const

export interface HelpLine {
  readonly usage: string
  readonly about: string
}

export interface HelpSection {
  readonly section: CommandInfo['section']
  readonly lines: readonly HelpLine[]
}

export interface Usage {
  readonly usage: string
  readonly about: string
  readonly example: string
  /** Other spellings that can be typed anywhere, with slash. */
  readonly also: readonly string[]
}

/** What `/help` shows: only what the asker may use, in table order, empty sections left out. */
export function helpFor<C extends CommandInfo>(
  commands: readonly C[],
  mayUse: (command: C) => boolean,
): readonly HelpSection[] {
  const usable = commands.filter(mayUse)
  return sectionOrder
    .map((section) => ({
      section,
      lines: usable.filter((c) => c.section === section).map(({ usage, about }) => ({ usage, about })),
    }))
    .filter(({ lines }) => lines.length > 0)
}

/** The block for one command: `/help run`, and what wrong usage is answered with. */
export const usageOf = ({ usage, about, example, aliases }: CommandInfo): Usage => ({
  usage,
  about,
  example,
  also: aliases.filter((alias) => alias.startsWith('/')),
})
