import { describe } from 'vitest'
import { startLine } from '../platforms/line.ts'
import type { FakePlatform, PersonsFile } from '../platforms/platform.ts'
import { startFakeWechat } from '../platforms/wechat.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import { openHouse } from './harness.ts'
import { type PictureChat, type PictureStage, picturesFlow } from './pictures.ts'
import { chatOf } from './telegram.ts'
import { openWebhooks, shows } from './webhooks.ts'

/** Ann's one-to-one chat with the bot. */
const annOn = (fake: FakePlatform, send: PictureChat['send']): PictureChat => ({
  person: fake.people.ann,
  send,
  seen: fake.shown,
  shows: (what) =>
    shows(fake, fake.places.dm, ({ text }) => (typeof what === 'string' ? text.includes(what) : what.test(text))),
})

const telegram: PictureStage = {
  name: 'Telegram',
  captions: true,
  replies: true,
  answersOwn: true,
  open: async (onEnd, wanted) => {
    const house = await openHouse(onEnd, wanted)
    const chat = chatOf(house.telegram, house.telegram.people.ann)
    const { posts } = house.telegram.world
    return {
      house,
      ann: {
        ...chat,
        send: async ({ text = '', ...more }) => {
          await chat.say(text, more)
          return String(posts.findLast(({ by }) => by?.id === chat.person.id)?.id)
        },
      },
    }
  },
}

const line: PictureStage = {
  name: 'LINE',
  captions: false,
  replies: true,
  answersOwn: true,
  open: async (onEnd, wanted) => {
    const fake = await startLine()
    const { ann } = fake.people
    const { dm } = fake.places
    const env = { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://connector.example', ...wanted.env }
    const house = await openWebhooks(onEnd, [fake], { ...wanted, env })
    const send: PictureChat['send'] = async ({ text = '', file, replyTo }) => {
      if (file) await fake.sendFile(ann, dm, file.kind, file.bytes, file.mime)
      else await fake.say(ann, dm, text, replyTo === undefined ? {} : { replyTo })
      return fake.world.posts.findLast(({ by }) => by !== null)?.id ?? ''
    }
    return { house, ann: annOn(fake, send) }
  },
}

const whatsapp: PictureStage = {
  name: 'WhatsApp',
  captions: true,
  replies: true,
  answersOwn: true,
  open: async (onEnd, wanted) => {
    const fake = await startWhatsapp()
    const house = await openWebhooks(onEnd, [fake], wanted)
    const send: PictureChat['send'] = async ({ text = '', ...more }) => {
      await fake.say(fake.people.ann, fake.places.dm, text, more)
      return fake.lastId()
    }
    return { house, ann: annOn(fake, send) }
  },
}

const wechat: PictureStage = {
  name: 'WeChat',
  captions: false,
  replies: false,
  answersOwn: false,
  open: async (onEnd, wanted) => {
    const fake = await startFakeWechat()
    const { ann } = fake.people
    const house = await openWebhooks(onEnd, [fake], wanted)
    let files = 0
    const sendFile = async ({ bytes, mime }: PersonsFile): Promise<void> => {
      const id = `fake-media-id-in-${++files}`
      fake.api.keep(id, bytes, mime)
      await fake.sendImage(ann, id)
    }
    const send: PictureChat['send'] = async ({ text = '', file }) => {
      if (file) await sendFile(file)
      else await fake.say(ann, fake.places.dm, text)
      return ''
    }
    return { house, ann: annOn(fake, send) }
  },
}

/** Platforms whose people can send pictures; each passes the same flow. */
const stages: readonly PictureStage[] = [telegram, line, whatsapp, wechat]

describe.each(stages)('a picture as an input on $name', (stage) => {
  picturesFlow(stage)
})
