/** What of a text for the language model is suspicious, and how much it weighs. */
const signs = [
  {
    reason: 'jailbreak_phrase',
    weight: 0.8,
    when: (text: string) => /ignore (previous|all)|system prompt|developer message|override policy/.test(text),
  },
  { reason: 'shell_characters', weight: 0.5, when: (text: string) => hasShellCharacters(text) },
  { reason: 'very_long', weight: 0.3, when: (text: string) => text.length > 2000 },
] as const

export type Suspicion = (typeof signs)[number]['reason']

const denyFrom = 0.7
const safeFrom = 0.4

export const hasShellCharacters = (text: string): boolean => /[;|`]|\$\(/.test(text)

export interface Guarded {
  /** `safe`: the model may be asked, but what comes back loses its commands, or is forced through an approval. */
  readonly kind: 'pass' | 'safe' | 'deny'
  /** 0 to 1. */
  readonly score: number
  readonly reasons: readonly Suspicion[]
  /** In safe mode, for requests to make something: the suggested command gets `--approval`. */
  readonly forceApproval: boolean
}

/** Whether somebody asks for a picture, or just talks. */
export const wantsRun = (text: string): boolean => /\b(generate|create|make|draw|run)\b/i.test(text)

/** Judges a text before it goes to the language model. */
export function guard(text: string): Guarded {
  const plain = text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ')
  const found = signs.filter((sign) => sign.when(plain))
  const score = Math.min(
    1,
    found.reduce((sum, sign) => sum + sign.weight, 0),
  )
  const reasons = found.map((sign) => sign.reason)
  if (score >= denyFrom) return { kind: 'deny', score, reasons, forceApproval: false }
  if (score >= safeFrom) return { kind: 'safe', score, reasons, forceApproval: wantsRun(text) }
  return { kind: 'pass', score, reasons, forceApproval: false }
}

/** Safe mode for what the model answered: fenced blocks (also one that never ends) and command lines become `note`. */
export const withoutCommands = (text: string, note: string): string =>
  text.replace(/```[\s\S]*?(?:```|$)/g, () => note).replace(/^[^\S\n]*[/／]\p{L}.*$/gmu, () => note)
