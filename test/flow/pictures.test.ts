import { describe } from 'vitest'
import { openHouse } from './harness.ts'
import { type PictureStage, picturesFlow } from './pictures.ts'
import { chatOf } from './telegram.ts'

const telegram: PictureStage = {
  name: 'Telegram',
  captions: true,
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

/** Platforms whose people can send pictures; each passes the same flow. */
const stages: readonly PictureStage[] = [telegram]

describe.each(stages)('a picture as an input on $name', (stage) => {
  picturesFlow(stage)
})
