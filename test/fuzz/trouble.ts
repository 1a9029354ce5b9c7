/** Lines that bad input must never bring about: errors of our own, whatever the answer was. */
export const seriousIn = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line !== '' && !/^\{"level":"(?:debug|info|warn)"/.test(line))
    .map((line) => `in the log: ${line.slice(0, 500)}`)
