/** Lines that bad input must never bring about: errors of our own, whatever the answer was. */
export const seriousIn = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line !== '' && !/^\{"level":"(?:debug|info|warn)"/.test(line))
    .map((line) => `in the log: ${line.slice(0, 500)}`)

/** Secrets that stand in it. They are not repeated here. */
export const toldIn = (log: string, secrets: readonly string[]): readonly string[] =>
  secrets.flatMap((secret, i) => (secret !== '' && log.includes(secret) ? [`secret ${i} stands in the log`] : []))
