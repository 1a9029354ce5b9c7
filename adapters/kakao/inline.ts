import type { InlineAnswer, InlineResult, Part, ReplyHandle } from '../../src/contract/index.ts'
import { jsonAnswer } from '../kit/webhook.ts'
import { type EncodeDeps, encodePart, encodePromise, encodeText } from './encode.ts'
import type { SkillResponse } from './wire.ts'

const used = (response: SkillResponse): InlineResult => ({ answer: jsonAnswer(response), tokenKept: false })

const promised = (text: string): InlineResult => ({ answer: jsonAnswer(encodePromise(text)), tokenKept: true })

const wordsOf = (part: Part): string =>
  part.items.flatMap((item) => (item.kind === 'text' ? [item.text] : [])).join('\n')

/**
 * Makes the answer of an open skill request. An ordinary answer closes the request for good; a promise
 * (`useCallback`) keeps its one-time address for the result, and is only made where there is one.
 */
export const makeInline = (deps: EncodeDeps, now: () => number): ((answer: InlineAnswer) => InlineResult) => {
  const canCallBack = (handle: ReplyHandle | undefined): boolean => handle?.kind === 'token' && handle.expiresAt > now()

  return (answer) => {
    if (answer.kind === 'none') return used(encodeText(deps.say('nothing_to_say'), deps))
    if (answer.kind === 'part') {
      const { part } = answer
      if (!part.interim || !canCallBack(part.handle)) return used(encodePart(part, deps))
      return promised(wordsOf(part).trim() || deps.say('still_working'))
    }
    if (canCallBack(answer.event.handle)) return promised(deps.say('still_working'))
    const fetchLater = { label: deps.say('fetch_later'), say: '/inbox' }
    return used(encodeText(deps.say('still_working'), deps, [fetchLater]))
  }
}
