import { type Adapter, laneOf, type Part, type SendError } from '../contract/index.ts'
import { mailboxCount } from '../store/mailbox.ts'
import type { Db } from '../store/open.ts'
import { texts } from '../texts/index.ts'
import type { Step } from './retry.ts'

/** What calls a person back to an answer that waits because they last wrote too long ago. Asked before the answer is put
 *  into the mailbox: whoever has something waiting already was called for that. Null: nobody is called. */
export const nudgeFor = (db: Db, waiting: Part, adapter: Adapter): Part | null =>
  adapter.nudge && waiting.to.kind === 'dm' && mailboxCount(db, laneOf(waiting.to)) === 0
    ? {
        key: `${waiting.key}#nudge`,
        to: waiting.to,
        audience: 'everyone',
        items: [{ kind: 'text', text: texts.nudge }],
        buttons: [],
        nudge: true,
      }
    : null

/** Why a nudge need not go: it may have gone, and each costs the operator money, or its person has written meanwhile.
 *  Null: it is to be sent. */
export const needless = (db: Db, nudge: Part, maybeThere: boolean): string | null => {
  if (maybeThere) return 'it may have been sent'
  return mailboxCount(db, laneOf(nudge.to)) === 0 ? 'nothing waits any more' : null
}

/** It is tried again only where it has surely not arrived. What it fails of says nothing about the answers themselves:
 *  it ends no conversation, and holds nothing up. */
export const nudgeStep = (step: Step, { delivered }: SendError): Step => {
  const mayComeAgain = delivered === 'no' && (step.do === 'again' || step.do === 'pause')
  return mayComeAgain ? { do: 'again', state: 'queued', afterMs: step.afterMs } : { do: 'end', lane: false }
}
