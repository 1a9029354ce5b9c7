// A file of its own: people have two names, and what is sent may use either (facts/whatsapp-cloud §2, BSUID).
import type { Address, InboundEvent } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { isNumber, isUserId } from './wire.ts'

const maxRemembered = 5_000

export interface Recipients {
  readonly learn: (event: InboundEvent) => void
  /** The fields that name a conversation in a call. Throws SendError for what is none. */
  readonly fields: (to: Address) => Readonly<Record<string, string>>
}

/**
 * A chat with a person is kept under the business-scoped user id, which stays when the number hides. The number they
 * last wrote from is given along while we know it, because Meta goes by it first, and took it before there were ids.
 */
export const makeRecipients = (): Recipients => {
  const numbers = new Map<string, string>()

  const learn: Recipients['learn'] = ({ from, where }) => {
    const number = from.aliases?.find(isNumber)
    if (number === undefined || where.kind !== 'dm') return
    numbers.delete(where.chat)
    numbers.set(where.chat, number)
    const oldest = numbers.keys().next()
    if (numbers.size > maxRemembered && !oldest.done) numbers.delete(oldest.value)
  }

  const fields: Recipients['fields'] = ({ chat, kind }) => {
    if (kind === 'group') return { recipient_type: 'group', to: chat }
    if (isNumber(chat)) return { recipient_type: 'individual', to: chat }
    if (!isUserId(chat)) throw new SendError('target_gone', 'neither a phone number nor a user id of WhatsApp')
    const number = numbers.get(chat)
    return { recipient_type: 'individual', recipient: chat, ...(number === undefined ? {} : { to: number }) }
  }

  return { learn, fields }
}
