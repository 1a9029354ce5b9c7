import { describe, expect, test } from 'vitest'
import { type FakeFeishu, type FeishuOptions, startFeishu } from '../platforms/feishu.ts'
import type { Place, Shown } from '../platforms/platform.ts'
import { prompts } from './backend.ts'
import { forward } from './forward.ts'
import { type OnEnd, openHouse, type Wanted } from './harness.ts'
import { freePort, until } from './process.ts'
import { hasMedia, readyz, shows, variablesOf } from './webhooks.ts'

/** Ann may run, Bob is an admin who is reached by his id. */
const openFeishu = async (onEnd: OnEnd, mode: FeishuOptions['mode'] & string, wanted: Wanted = {}) => {
  const fake = await startFeishu({ mode })
  const { port, release } = await freePort()
  const { MODE, ...settings } = fake.settings
  // The connection is what comes of saying nothing about it.
  const chosen = mode === 'websocket' ? settings : { ...settings, MODE: MODE ?? mode }
  const env = {
    ...variablesOf('feishu', { ...chosen, PORT: String(port), ALLOWED_USERS: fake.people.ann.id }),
    OPENCLAW_CONNECTOR_ADMIN_USERS: `feishu:${fake.people.bob.id}`,
    ...wanted.env,
  }
  const ends: (() => Promise<void>)[] = []
  onEnd(async () => {
    for (const end of ends) await end()
    await fake.close()
    await release()
  })
  const house = await openHouse((end) => ends.push(end), { telegram: false, ...wanted, env })
  fake.connect((call) => forward(`http://127.0.0.1:${port}`, call))
  return { house, fake }
}

const bobs = (fake: FakeFeishu): Place => ({ chat: fake.people.bob.id, kind: 'dm' })
const stranger = { id: 'ou_fa4e0000000000000000000000009001', name: 'Carl' }

/** Somebody in no list asks in the group; what the admin is shown of it. */
const asked = async (fake: FakeFeishu, words: string) => {
  await fake.bring(
    stranger,
    fake.places.group,
    'text',
    { text: `@_user_1 /run portrait ${words}` },
    {
      mentions: [{ key: '@_user_1', id: { open_id: fake.app.bot }, name: 'FakeBot', mentioned_type: 'bot' }],
    },
  )
  return shows(fake, bobs(fake), ({ text, buttons }) => text.includes(words) && buttons.length > 0)
}

describe.concurrent('on Feishu', () => {
  test('with nothing but an app it connects by itself, and a run ends in a picture, once', async ({
    onTestFinished,
  }) => {
    const { house, fake } = await openFeishu(onTestFinished, 'websocket')
    await until('it is connected', async () => (await readyz(house)).platforms.feishu?.state === 'up')
    await fake.say(fake.people.ann, fake.places.dm, '/run portrait a red fox')
    await fake.redeliver()
    await shows(fake, fake.places.dm, hasMedia)
    expect(prompts(house.simulator)).toEqual(['a red fox'])
  })

  test.for(['websocket', 'webhook'] as const)(
    'by %s a stranger’s run waits for the admin, whose press runs it, for one tenant of several too',
    async (mode, { onTestFinished }) => {
      const env = {
        OPENCLAW_MULTI_TENANT_ENABLED: 'true',
        OPENCLAW_CONNECTOR_TENANT_ID: 'acme',
        OPENCLAW_CONNECTOR_TENANTS: '{"feishu":"umbrella"}',
      }
      const { house, fake } = await openFeishu(onTestFinished, mode, { env, simulator: { multiTenant: true } })
      const card = await asked(fake, 'a blue whale')
      expect(house.simulator.control.jobs()).toEqual([])
      await card.buttons.find(({ label }) => /approve/i.test(label))?.press()
      await shows(fake, fake.places.group, hasMedia)
      expect(prompts(house.simulator)).toEqual(['a blue whale'])
      // The same card, for everybody who sees it: decided, and nothing left to press.
      const isDecided = ({ id, buttons, edits }: Shown) => id === card.id && buttons.length === 0 && edits > 0
      expect((await shows(fake, bobs(fake), isDecided)).text).not.toBe(card.text)
    },
  )
})
