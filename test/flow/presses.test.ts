import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { startFeishu } from '../platforms/feishu.ts'
import { startFakeKakao } from '../platforms/kakao.ts'
import { startLine } from '../platforms/line.ts'
import type { FakePlatform, Person, Place, RawReply } from '../platforms/platform.ts'
import { startSlack } from '../platforms/slack.ts'
import { home } from '../platforms/slack-hooks.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import { asked } from './backend.ts'
import { carl, chatOf, dora, pressKey } from './telegram.ts'
import { hasMedia, openWebhooks, shows } from './webhooks.ts'

const json = { 'content-type': 'application/json' }
const never = 'A'.repeat(22)

interface Pressable {
  readonly fake: FakePlatform
  /** Somebody brings an id back from a message, whatever is shown there. */
  readonly press: (by: Person, place: Place, message: string, id: string) => Promise<RawReply | null>
}

const platforms: Readonly<Record<'slack' | 'feishu' | 'line', () => Promise<Pressable>>> = {
  slack: async () => {
    const fake = await startSlack()
    const press: Pressable['press'] = ({ id: user, name }, { chat }, message, value) =>
      fake.deliver({
        kind: 'interactive',
        payload: {
          type: 'block_actions',
          user: { id: user, name, team_id: home.id },
          team: { id: home.id },
          channel: { id: chat },
          container: { type: 'message', message_ts: message, channel_id: chat },
          actions: [{ type: 'button', action_id: 'b0', value, action_ts: fake.world.nextTs() }],
        },
      })
    return { fake, press }
  },
  feishu: async () => {
    const fake = await startFeishu({ mode: 'webhook' })
    const press: Pressable['press'] = (by, { chat, kind }, message, k) =>
      fake.press(by, message, { k, at: { chat, kind } }, chat)
    return { fake, press }
  },
  line: async () => {
    const fake = await startLine()
    fake.world.quota.type = 'none'
    return { fake, press: (by, place, _, data) => fake.bring({ type: 'postback', postback: { data } }, place, by) }
  },
}

/** The id of the button that approves, as it was sent into a chat. */
const approveIn = (stateDir: string, chat: string): string => {
  const db = new DatabaseSync(join(stateDir, 'connector.db'), { readOnly: true })
  const row = db.prepare(`SELECT id FROM actions WHERE chat = ? AND say LIKE '/approve%'`).get(chat)
  db.close()
  return String(row?.id)
}

describe.concurrent('the id of a button', () => {
  test.for(['slack', 'feishu', 'line'] as const)(
    'that a stranger brings back first still serves the admin, in its own chat and once, on %s',
    async (platform, { onTestFinished }) => {
      const { fake, press } = await platforms[platform]()
      const { ann, bob } = fake.people
      const { group } = fake.places
      const { stateDir, simulator } = await openWebhooks(onTestFinished, [fake], {
        env: {
          OPENCLAW_CONNECTOR_ADMIN_USERS: `${platform}:${ann.id}`,
          OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://bot.example.org',
        },
      })
      await fake.say(bob, group, '/run portrait a fox')
      const card = await shows(fake, group, /^\[Approval Requested\]/)
      const id = approveIn(stateDir, group.chat)
      await press(bob, group, card.id, id)
      await shows(fake, group, /^\[Access Denied\]/)
      await shows(fake, { chat: ann.id, kind: 'dm' }, /^\[Approval Requested\]/)
      // The other card of the same request has an id of its own, for its own chat.
      await press(ann, group, card.id, approveIn(stateDir, ann.id))
      await shows(fake, group, /^This button has expired/)
      expect(simulator.control.jobs()).toEqual([])

      await press(ann, group, card.id, id)
      await shows(fake, group, hasMedia)
      await press(ann, group, card.id, id)
      await shows(fake, group, /was already approved by/)
      expect(asked(simulator, 'POST /openclaw/approvals/')).toHaveLength(1)
      expect(simulator.control.jobs()).toHaveLength(1)
    },
  )

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
