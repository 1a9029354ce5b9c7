import { describe, expect, test } from 'vitest'
import { startFakeKakao } from '../platforms/kakao.ts'
import type { Person, RawReply } from '../platforms/platform.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import { asked } from './backend.ts'
import { carl, chatOf, dora, pressKey } from './telegram.ts'
import { openWebhooks, shows } from './webhooks.ts'

const json = { 'content-type': 'application/json' }
const never = 'A'.repeat(22)

describe.concurrent('the id of a button', () => {
  test('is worth nothing where nobody is proven, in another chat, or to a stranger, and leaves the admin’s press whole', async ({
    onTestFinished,
  }) => {
    const whatsapp = await startWhatsapp()
    const kakao = await startFakeKakao()
    const house = await openWebhooks(onTestFinished, [whatsapp, kakao], {
      telegram: true,
      env: {
        OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET: '',
        OPENCLAW_CONNECTOR_WHATSAPP_ALLOW_UNSIGNED: '1',
        OPENCLAW_CONNECTOR_KAKAO_WEBHOOK_SECRET: '',
        OPENCLAW_CONNECTOR_KAKAO_BOT_ID: '',
        OPENCLAW_CONNECTOR_ADMIN_USERS: `telegram:501000222,whatsapp:15550100111,kakao:${kakao.people.ann.id}`,
      },
    })
    const { telegram, simulator } = house
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    await bob.shows('[Approval Requested]')
    const post = telegram.world.posts.find(({ room, keys }) => String(room.id) === bob.place.chat && keys.length > 0)
    const id = post?.keys.flat()[0]?.callback_data ?? ''
    expect(id).toMatch(/^[\w-]{22}$/)

    // Whoever reaches a webhook that proves nobody can say they are the admin who is listed there.
    const onWhatsapp = (action: string): Promise<RawReply> => {
      const reply = { type: 'button_reply', button_reply: { id: action, title: 'Approve' } }
      return whatsapp.bring(whatsapp.people.ann, whatsapp.places.dm, { type: 'interactive', interactive: reply })
    }
    const onKakao = (action: string): Promise<RawReply> => {
      const userRequest = { user: { id: kakao.people.ann.id }, utterance: 'Approve' }
      const body = JSON.stringify({ userRequest, action: { clientExtra: { token: action } } })
      return house.ask('kakao', { method: 'POST', path: '/kakao/webhook', headers: json, body })
    }
    for (const action of [id, never]) {
      const before = whatsapp.shown().length
      await onWhatsapp(action)
      await shows(whatsapp, whatsapp.places.dm, () => whatsapp.shown().length > before)
      expect(whatsapp.shown().at(-1)?.text).toMatch(/^This button has expired/)
      expect((await onKakao(action)).body).toContain('This button has expired')
    }
    // Nor is anything there to decide on, as nobody could.
    expect(whatsapp.shown().map(({ text }) => text)).not.toContainEqual(expect.stringContaining('Approval Requested'))

    const inOwnChat = async (person: Person): Promise<void> => {
      const chat = chatOf(telegram, person)
      await chat.say('/whoami')
      await chat.shows(`telegram:${person.id}`)
      const own = telegram.world.posts.find(({ room, by }) => String(room.id) === person.id && by === null)
      if (own) pressKey(telegram, own, id, person)
      await chat.shows('This button has expired')
    }
    await inOwnChat(dora)
    await inOwnChat(carl)
    expect(simulator.control.jobs()).toEqual([])

    bob.press('[Approval Requested]', 'Approve')
    await guest.shows(({ media }) => media.length > 0)
    await bob.shows('[Approved] by Bob')
    if (post) pressKey(telegram, post, id, telegram.people.bob)
    await bob.shows(/was already approved by Bob/)
    expect(asked(simulator, 'POST /openclaw/approvals/')).toHaveLength(1)
    expect(simulator.control.jobs()).toHaveLength(1)
  })
})
