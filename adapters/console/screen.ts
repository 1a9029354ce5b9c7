// Beside the usual file names: keeps what is printed and the line being typed apart.
import { stripVTControlCharacters } from 'node:util'
import { SendError } from '../../src/contract/index.ts'
import type { Terminal } from './terminal.ts'

/** The line being typed, below everything printed. */
export interface PromptLine {
  /** The prompt and what has been typed so far. */
  readonly text: () => string
  /** Where the cursor is, counted from the start of the prompt. */
  readonly cursor: () => { readonly rows: number; readonly cols: number }
}

export interface Screen {
  /** Prints a block above the prompt. Throws SendError when the terminal is gone or the signal aborts. */
  readonly print: (id: string, block: string, signal?: AbortSignal) => Promise<void>
  /** Puts a new block in the place of an old one; false when it is not the last thing on the screen any more. */
  readonly replace: (id: string, block: string, signal?: AbortSignal) => Promise<boolean>
  /** From now on things are printed above this prompt. */
  readonly attach: (prompt: PromptLine) => void
  readonly showPrompt: (signal: AbortSignal) => Promise<void>
  readonly detach: () => void
  /** What was printed last is not the last thing on the screen any more (Enter was pressed, a picture was drawn). */
  readonly settle: () => void
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
const widthOf = (text: string): number => {
  let width = 0
  for (const char of text) width += /[\p{Mark}\u200b-\u200d]/u.test(char) ? 0 : WIDE.test(char) ? 2 : 1
  return width
}

/** Rows a block takes: its lines end with a newline each, long ones are wrapped by the terminal. */
export const rowsOf = (block: string, columns: number): number =>
  stripVTControlCharacters(block)
    .split('\n')
    .slice(0, -1)
    .reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns)), 0)

const up = (rows: number): string => (rows > 0 ? `\x1b[${rows}A` : '')

export const makeScreen = (terminal: Terminal): Screen => {
  let prompt: PromptLine | null = null
  let last: { readonly id: string; readonly block: string } | null = null
  let watched = false

  const write = (text: string, signal: AbortSignal | undefined): Promise<void> => {
    const output = terminal.output()
    // A closed pipe also raises an `error` event, which would end the process; the callback below reports it.
    if (!watched) output.on('error', () => {})
    watched = true
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new SendError('unavailable', 'stopped while printing', { delivered: 'maybe' }))
      signal?.addEventListener('abort', onAbort, { once: true })
      output.write(text, (error?: Error | null) => {
        signal?.removeEventListener('abort', onAbort)
        if (error) reject(new SendError('target_gone', 'the terminal is closed', { cause: error }))
        else resolve()
      })
    })
  }

  /** The prompt with its cursor where it was. The line editor's own redraw loses count after a paste. */
  const drawnPrompt = (): string => {
    if (!prompt) return ''
    const { rows, cols } = prompt.cursor()
    const [text, columns] = [prompt.text(), terminal.columns()]
    const width = widthOf(text)
    // At the right edge terminals wait with the wrap; a blank brings it about.
    const edge = width > 0 && width % columns === 0 ? ' ' : ''
    return `${text}${edge}${up(Math.floor(width / columns) - rows)}\x1b[${cols + 1}G`
  }

  /** Goes `rowsAbove` the prompt, clears from there on, prints, and draws the prompt again below: in one write. */
  const put = async (block: string, rowsAbove: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted) throw new SendError('unavailable', 'stopped before printing')
    const clear = terminal.isTty ? `${up((prompt?.cursor().rows ?? 0) + rowsAbove)}\r\x1b[J` : ''
    await write(`${clear}${block}${drawnPrompt()}`, signal)
  }

  return {
    print: (id, block, signal) => {
      last = { id, block }
      return put(block, 0, signal)
    },
    replace: async (id, block, signal) => {
      if (!terminal.isTty || last?.id !== id) return false
      const rows = rowsOf(last.block, terminal.columns())
      if (rows + (prompt?.cursor().rows ?? 0) >= terminal.rows()) return false
      last = { id, block }
      await put(block, rows, signal)
      return true
    },
    attach: (line) => {
      prompt = line
    },
    showPrompt: (signal) => put('', 0, signal),
    detach: () => {
      prompt = null
    },
    settle: () => {
      last = null
    },
  }
}
