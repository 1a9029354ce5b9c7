/** A line as it stands on the screen; `wrapped`: it goes on in the next one without a line break. */
interface Row {
  text: string
  wrapped: boolean
}

/** A small terminal: cursor up, carriage return, clear to the end, and the rest of it as printed characters. */
export interface ScreenModel {
  readonly write: (text: string) => void
  /** What a person reads, wrapped rows joined, with the number of the row each line starts in. */
  readonly lines: () => readonly { readonly row: number; readonly text: string }[]
  /** How often each row was cleared and printed over. */
  readonly printedOver: ReadonlyMap<number, number>
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]|\p{Extended_Pictographic}/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what a terminal reads
const TOKEN = /\x1b\[(\d*)([A-Za-z])|\x1b\[[\d;?]*[A-Za-z]|[\s\S]/gu

export function makeScreenModel(columns: number): ScreenModel {
  const rows: Row[] = [{ text: '', wrapped: false }]
  const printedOver = new Map<number, number>()
  let row = 0
  let column = 0

  const current = (): Row => {
    while (rows.length <= row) rows.push({ text: '', wrapped: false })
    return rows[row] as Row
  }
  const widthOf = (text: string): number => [...text].reduce((sum, char) => sum + (WIDE.test(char) ? 2 : 1), 0)

  const print = (char: string): void => {
    if (column + widthOf(char) > columns) {
      current().wrapped = true
      row++
      column = 0
    }
    const line = current()
    const kept = column === 0 ? '' : line.text
    line.text = `${kept}${char}`
    line.wrapped = false
    column += widthOf(char)
  }

  const clearDown = (): void => {
    rows.length = row + 1
    const line = current()
    if (column === 0 && line.text.startsWith('  ')) printedOver.set(row, (printedOver.get(row) ?? 0) + 1)
    if (column === 0) line.text = ''
    line.wrapped = false
  }

  return {
    printedOver,
    write: (text) => {
      for (const [token, count = '', letter] of text.matchAll(TOKEN)) {
        if (letter === 'A') row = Math.max(0, row - Number(count || 1))
        else if (letter === 'B') row += Number(count || 1)
        else if (letter === 'G') column = Math.max(0, Number(count || 1) - 1)
        else if (letter === 'J') clearDown()
        else if (token === '\r') column = 0
        else if (token === '\n') {
          row++
          column = 0
          current()
        } else if (!token.startsWith('\x1b')) print(token)
      }
    },
    lines: () => {
      const lines: { row: number; text: string }[] = []
      let goesOn = false
      for (const [at, { text, wrapped }] of rows.entries()) {
        const last = lines.at(-1)
        if (goesOn && last) last.text += text
        else lines.push({ row: at, text })
        goesOn = wrapped
      }
      return lines
    },
  }
}
