// Beside the usual file names: what the adapter needs of a terminal, so that tests can hand in one of their own.

/** How pictures can be drawn: two escape protocols, coloured half blocks, or not at all. */
export type Drawing = 'iterm' | 'kitty' | 'blocks' | 'none'

export interface Terminal {
  /** Opened only when reading starts: touching stdin has effects. */
  readonly input: () => NodeJS.ReadableStream
  readonly output: () => NodeJS.WritableStream
  /** Somebody sits there: prompt, line editing and replacing of lines make sense. */
  readonly isTty: boolean
  readonly columns: () => number
  readonly rows: () => number
  readonly drawing: Drawing
  /** Ctrl-C was pressed. A terminal in raw mode sends no signal by itself. */
  readonly interrupt: () => void
}

/**
 * What the terminal says about itself in the environment. Multiplexers swallow the picture protocols, so inside tmux
 * and screen only half blocks are left.
 */
export const drawingOf = (isTty: boolean, env: Readonly<Record<string, string | undefined>>): Drawing => {
  if (!isTty || env.TERM === 'dumb' || env.NO_COLOR) return 'none'
  const multiplexed = Boolean(env.TMUX) || (env.TERM ?? '').startsWith('screen')
  if (!multiplexed && (env.TERM_PROGRAM === 'iTerm.app' || env.TERM_PROGRAM === 'WezTerm')) return 'iterm'
  const kitty = Boolean(env.KITTY_WINDOW_ID) || env.TERM === 'xterm-kitty' || env.TERM_PROGRAM === 'ghostty'
  if (!multiplexed && kitty) return 'kitty'
  return env.COLORTERM === 'truecolor' || env.COLORTERM === '24bit' ? 'blocks' : 'none'
}
