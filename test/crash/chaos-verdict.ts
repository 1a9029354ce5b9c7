import type { Said } from './chaos-mouths.ts'
import type { Stage } from './harness.ts'
import { type Bubble, unmarkedRepeats } from './seen.ts'
import { type JobRow, jobRows, sentNews } from './state.ts'

export interface Verdict {
  /** Commands the platforms hold as taken over. */
  readonly accepted: number
  /** Of these, runs the backend took. */
  readonly run: number
  readonly answered: number
  /** Messages people got with the mark that they may have them already. */
  readonly repeated: number
  /** One line for each command that was taken over and came to nothing. */
  readonly lost: readonly string[]
  /** One line for each command the backend took more than once. */
  readonly double: readonly string[]
  /** One line for each thing said that is not so: a repeat without its mark, a run after "cancelled". */
  readonly untrue: readonly string[]
}

/** Ends without a job at the backend that are the truth once they are told. */
const withoutJob = new Set(['cancelled', 'rejected', 'refused', 'expired', 'unknown'])

/** What is looked at: the backend, the daemon's state directory, and all that people see. */
export interface Scene extends Pick<Stage, 'simulator' | 'dir'> {
  readonly seen: readonly Bubble[]
}

export const judge = (stage: Scene, said: readonly Said[]): Verdict => {
  const { seen } = stage
  const jobs = new Map(jobRows(stage.dir).map((row) => [row.prompt, row]))
  const news = sentNews(stage.dir)
  const ran = countByWord(stage, said)
  const accepted = said.filter((one) => one.accepted)
  const judged = accepted.map((one) => ({ one, why: fault(one, jobs.get(one.word), ran, seen, news) }))
  return {
    accepted: accepted.length,
    run: accepted.filter(({ word }) => (ran.get(word) ?? 0) > 0).length,
    answered: judged.filter(({ why }) => why === null).length,
    repeated: seen.filter(({ repeated }) => repeated).length,
    lost: judged.flatMap(({ one, why }) => (why === null ? [] : [`${one.kind} ${one.word} in ${one.chat}: ${why}`])),
    double: [...ran].filter(([, times]) => times > 1).map(([word, times]) => `${word}: ${times} times`),
    untrue: [
      ...unmarkedRepeats(seen).map((text) => `repeated without a mark: ${text.slice(0, 100)}`),
      ...[...jobs.values()]
        .filter((row) => ranInSpite(row, ran))
        .map((row) => `${row.prompt} (${row.approvalId ?? 'no approval'}) ran, but ${row.state}`),
    ],
  }
}

const countByWord = ({ simulator }: Scene, said: readonly Said[]): ReadonlyMap<string, number> => {
  const words = new Set(said.flatMap(({ word }) => (word === '' ? [] : [word])))
  const times = new Map<string, number>()
  for (const { prompt } of simulator.control.jobs()) {
    for (const [word] of JSON.stringify(prompt).matchAll(/\bw\d+q\b/g)) {
      if (words.has(word)) times.set(word, (times.get(word) ?? 0) + 1)
    }
  }
  return times
}

const ranInSpite = (row: JobRow, ran: ReadonlyMap<string, number>): boolean =>
  (ran.get(row.prompt) ?? 0) > 0 &&
  (row.state === 'rejected' ||
    row.state === 'refused' ||
    row.state === 'expired' ||
    (row.state === 'cancelled' && row.promptId === null))

/** Why a command that was taken over counts as lost; null when its person got what is due. */
const fault = (
  one: Said,
  row: JobRow | undefined,
  ran: ReadonlyMap<string, number>,
  seen: readonly Bubble[],
  news: ReadonlySet<string>,
): string | null => {
  const here = seen.filter(({ chat }) => chat === one.chat)
  const quoting = one.message === null ? here : here.filter(({ replyTo }) => replyTo === one.message)
  // What somebody only looks up is named in its answer where it bears a word.
  const answers = one.kind === 'look' ? quoting.filter(({ text }) => text.includes(one.word)) : quoting
  if (answers.length === 0) return 'no answer'
  if (one.kind === 'look') return null
  if (!row) return `no job row, though answered: ${answers.map(({ text }) => text.slice(0, 60)).join(' | ')}`
  const times = ran.get(one.word) ?? 0
  if (times === 0 && !withoutJob.has(row.state)) return `not run, and the row says ${row.state}`
  if (row.state === 'done') {
    const result = here.some(({ text }) => text.includes(one.word) && !text.startsWith('['))
    return result ? null : 'no result'
  }
  const names = [row.promptId, row.traceId, row.id].filter((name) => name !== null)
  const ended = here.some(({ text }) => endWords.test(text) && names.some((name) => text.includes(name)))
  // Some ends name no id; then the row of the message has to do.
  return ended || news.has(`${row.id}:${row.state}`) ? null : `its end (${row.state}) was not told`
}

const endWords = /^(Done|Failed|Cancelled|Lost|Gone|I can't tell|Not run|Rejected|Expired)/i
