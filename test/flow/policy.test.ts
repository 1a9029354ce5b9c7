import { describe, expect, test } from 'vitest'
import { openHouse } from './harness.ts'
import { until } from './process.ts'
import { carl, chatOf, dora, submitted } from './telegram.ts'

describe.concurrent('who may do what', () => {
  test('help shows strangers, users and admins what is theirs', async ({ onTestFinished }) => {
    const { telegram } = await openHouse(onTestFinished)
    const [ann, bob, guest] = [telegram.people.ann, telegram.people.bob, carl].map((who) => chatOf(telegram, who))
    for (const chat of [ann, bob, guest]) await chat?.say('/help')
    const texts = await Promise.all([ann, bob, guest].map(async (chat) => (await chat?.shows('What you can do'))?.text))
    const [user = '', admin = '', stranger = ''] = texts
    for (const text of texts) expect(text).toMatch(/\/run <template>(.|\n)*\/status\n(.|\n)*\/whoami/)
    expect(admin).toContain('/approve <id>')
    expect(user).not.toContain('/approve')
    expect(stranger).not.toContain('/approve')
    expect(stranger).toContain('Your /run goes to an approver first.')
    expect(user).not.toContain('approver first')
    await guest?.say('/help approve')
    await guest?.shows("I don't know /approve")
    await guest?.say('/help run')
    await guest?.shows(/Usage: \/run .+\nExample: \/run /)
  })

  test('whoami names the id, the trust, and the rule behind it', async ({ onTestFinished }) => {
    const { telegram } = await openHouse(onTestFinished)
    const lines = async (who: typeof carl): Promise<string> => {
      const chat = chatOf(telegram, who)
      await chat.say('/whoami')
      return (await chat.shows('You are')).text
    }
    expect(await lines(telegram.people.bob)).toMatch(/telegram:501000222\nTrust: admin \(.*listed as an admin/)
    expect(await lines(telegram.people.ann)).toMatch(/telegram:501000111\nTrust: trusted \(.*list of allowed users/)
    expect(await lines(carl)).toMatch(/Trust: stranger(.|\n)*run: after an approval(.|\n)*admin: no/)
  })

  test('an override holds for every alias of a command', async ({ onTestFinished }) => {
    const env = { OPENCLAW_COMMAND_OVERRIDES: '{"/interrupt":"admin","queue":"admin"}' }
    const { telegram, simulator } = await openHouse(onTestFinished, { env })
    const ann = chatOf(telegram, telegram.people.ann)
    const bob = chatOf(telegram, telegram.people.bob)
    simulator.control.pause()
    await ann.say('/run portrait')
    await ann.shows(submitted)
    const words = ['/jobs', '/queue', '/stop', '/cancel']
    for (const word of words) await ann.say(word)
    const denied = (): number => ann.texts().filter((text) => text.startsWith('[Access Denied]')).length
    await until('all are refused', () => denied() === words.length, ann.texts)
    await bob.say('/queue')
    await bob.shows('Queue: ')
    expect(simulator.control.jobs().map(({ state }) => state)).not.toContain('removed')
  })

  test('an allow-from list decides alone who may use its class', async ({ onTestFinished }) => {
    const env = {
      OPENCLAW_COMMAND_ALLOW_FROM_PUBLIC: `telegram:${dora.id},telegram:501000111`,
      OPENCLAW_COMMAND_ALLOW_FROM_ADMIN: `telegram:${dora.id}`,
    }
    const { telegram } = await openHouse(onTestFinished, { env })
    const [bob, guest, listed] = [telegram.people.bob, carl, dora].map((who) => chatOf(telegram, who))
    await guest?.say('/status')
    await guest?.shows('[Access Denied] You are not on the list for this command')
    // Bob is in the list of admins, but not in that of the class.
    await bob?.say('/approvals')
    await bob?.shows('[Access Denied] You are not on the list for this command')
    await listed?.say('/approvals')
    await listed?.shows('No pending approvals.')
    // What Dora is told about as an approver, Bob is not.
    await guest?.say('/run portrait a red fox')
    await listed?.shows('[Approval Requested] by Carl')
    expect(bob?.seen()).toHaveLength(1)
  })

  test('a chat of the list may run whoever writes there', async ({ onTestFinished }) => {
    const env = { OPENCLAW_CONNECTOR_TELEGRAM_ALLOWED_CHATS: '-1001900000001' }
    const { telegram, simulator } = await openHouse(onTestFinished, { env })
    const group = chatOf(telegram, carl, telegram.places.group)
    await group.say('/run portrait a red fox')
    await group.shows(({ media }) => media.length > 0)
    await chatOf(telegram, carl).say('/run portrait a second fox')
    await chatOf(telegram, carl).shows('[Approval Requested]')
    expect(simulator.control.jobs()).toHaveLength(1)
  })

  test('who asks for an approval gets one', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    await ann.say('/run portrait a red fox --approval')
    await ann.shows('[Approval Requested]')
    await chatOf(telegram, telegram.people.bob).shows('[Approval Requested] by Ann')
    expect(simulator.control.jobs()).toEqual([])
  })

  test('who is too fast is told once, and others are not held up', async ({ onTestFinished }) => {
    const env = { OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM: '3' }
    const { telegram } = await openHouse(onTestFinished, { env })
    const ann = chatOf(telegram, telegram.people.ann)
    const guest = chatOf(telegram, carl)
    for (let i = 0; i < 8; i++) await ann.say('/whoami')
    await ann.shows('Slow down a little')
    await guest.say('/whoami')
    await guest.shows('You are')
    expect(ann.texts().filter((text) => text.startsWith('You are'))).toHaveLength(3)
    expect(ann.texts().filter((text) => text.startsWith('Slow down'))).toHaveLength(1)
    expect(ann.seen()).toHaveLength(4)
  })

  test('without the admin token of the backend, admins are told which variable is missing', async ({
    onTestFinished,
  }) => {
    const { telegram } = await openHouse(onTestFinished, {
      env: { OPENCLAW_CONNECTOR_ADMIN_TOKEN: '' },
      simulator: { adminToken: null },
    })
    const bob = chatOf(telegram, telegram.people.bob)
    await bob.say('/approvals')
    await bob.shows('[Access Denied] Admin commands need OPENCLAW_CONNECTOR_ADMIN_TOKEN')
    await bob.say('/run portrait a red fox')
    await bob.shows(({ media }) => media.length > 0)
  })
})
