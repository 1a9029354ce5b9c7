import { describe, expect, test } from 'vitest'
import { asked, atBackend, prompts } from './backend.ts'
import { openHouse } from './harness.ts'
import { until } from './process.ts'
import { carl, chatOf, dora, pressKey } from './telegram.ts'

const approvalIdIn = (text: string): string => /apr_\w+/.exec(text)?.[0] ?? ''

describe.concurrent('an approval', () => {
  test('is shown to an admin who never wrote, and one press runs it for the requester only', async ({
    onTestFinished,
  }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox seed=3')
    const told = await guest.shows('[Approval Requested]')
    expect(told.text).toMatch(/ID: apr_\w+\nTrace: \S+\nExpires: .+ UTC/)
    const card = await bob.shows('[Approval Requested] by Carl')
    expect(card.text).toContain('Template: portrait')
    expect(card.text).toContain('prompt: a red fox')
    expect(card.buttons.map(({ label }) => label)).toEqual(['Approve', 'Reject'])
    expect(simulator.control.jobs()).toEqual([])

    const post = telegram.world.posts.find(({ room, keys }) => String(room.id) === bob.place.chat && keys.length > 0)
    const [approve, reject] = post?.keys.flat() ?? []
    bob.press('[Approval Requested]', 'Approve')
    const picture = await guest.shows(({ media }) => media.length > 0)
    expect(picture.text).toContain('prompt: a red fox')
    const decided = await bob.shows('[Approved] by Bob')
    expect(decided).toMatchObject({ id: card.id, buttons: [] })
    await guest.shows(/^Done/)
    expect(prompts(simulator)).toEqual(['a red fox'])
    expect(bob.seen().flatMap(({ media }) => media)).toEqual([])
    // The card says it; the press needs no message of its own.
    expect(bob.seen()).toHaveLength(1)
    expect(telegram.calls().filter(({ method }) => method === 'answerCallbackQuery')).toHaveLength(1)

    // An old client still shows the buttons.
    if (!post || !approve || !reject) throw new Error('the card had no buttons')
    pressKey(telegram, post, reject.callback_data, telegram.people.bob)
    await bob.shows(/was already approved by Bob at .+ UTC/)
    pressKey(telegram, post, approve.callback_data, telegram.people.bob)
    await until('both are answered', () => bob.texts().filter((text) => text.includes('already approved')).length === 2)
    expect(simulator.control.jobs()).toHaveLength(1)
  })

  test('in a group can not be pressed by the stranger who asked, and then still by an admin', async ({
    onTestFinished,
  }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const group = chatOf(telegram, carl, telegram.places.group)
    await group.say('/run portrait a red fox')
    const card = await group.shows('[Approval Requested]')
    expect(card.buttons.map(({ label }) => label)).toEqual(['Approve', 'Reject'])
    group.press('[Approval Requested]', 'Approve', carl)
    const refused = await group.shows('[Access Denied]')
    expect(refused.onlyFor).toBe(carl.id)
    expect(simulator.control.jobs()).toEqual([])
    group.press('[Approval Requested]', 'Approve', telegram.people.bob)
    await group.shows(({ media }) => media.length > 0)
    const decided = await group.shows('[Approved] by Bob')
    expect(decided).toMatchObject({ id: card.id, buttons: [] })
    expect(simulator.control.jobs()).toHaveLength(1)
  })

  test('is decided once when two admins press at the same moment', async ({ onTestFinished }) => {
    const ids = { OPENCLAW_CONNECTOR_ADMIN_USERS: `telegram:501000222,telegram:${dora.id}` }
    const { telegram, simulator } = await openHouse(onTestFinished, { env: ids })
    const guest = chatOf(telegram, carl)
    const admins = [chatOf(telegram, telegram.people.bob), chatOf(telegram, dora)]
    await guest.say('/run portrait a red fox')
    for (const admin of admins) await admin.shows('[Approval Requested] by Carl')
    for (const admin of admins) admin.press('[Approval Requested]', 'Approve')
    await guest.shows(({ media }) => media.length > 0)
    const cards = await Promise.all(admins.map((admin) => admin.shows(/^\[Approved\] by (Bob|Dora)\n/)))
    expect(new Set(cards.map(({ text }) => text)).size).toBe(1)
    const late = await until('one is told', () =>
      admins.flatMap((admin) => admin.texts()).find((text) => /already approved by|Somebody is deciding/.test(text)),
    )
    expect(late).toContain('apr_')
    expect(asked(simulator, 'POST /openclaw/approvals/')).toHaveLength(1)
    expect(simulator.control.jobs()).toHaveLength(1)
  })

  test('that is rejected reaches the requester with the reason', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    const id = approvalIdIn((await bob.shows('[Approval Requested]')).text)
    await bob.say(`/reject ${id} not on a Sunday`)
    await guest.shows('turned down: not on a Sunday')
    await bob.shows('[Rejected] by Bob')
    await bob.shows(`[Rejected] ${id}\nReason: not on a Sunday`)
    await bob.say(`/approve ${id}`)
    await bob.shows(`${id} was already rejected by Bob`)
    expect(simulator.control.jobs()).toEqual([])
  })

  test('that nobody decided is told as expired, to both sides', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { approvalTtlMs: 600 } })
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    const id = approvalIdIn((await bob.shows('[Approval Requested]')).text)
    await new Promise((resolve) => setTimeout(resolve, 700))
    await bob.say(`/approve ${id}`)
    await bob.shows(`${id} has expired`)
    // Any change of the queue makes the connector look; without one it does so every 15 s.
    await bob.say('/run portrait a dog')
    await guest.shows('[Expired] Nobody decided on portrait in time')
    await bob.shows('[Expired] nobody decided in time')
    expect(prompts(simulator)).toEqual(['a dog'])
  })

  test('decided on the web page of the backend brings the picture to the requester', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    const id = approvalIdIn((await bob.shows('[Approval Requested]')).text)
    await guest.shows(id)
    await atBackend(simulator, `/openclaw/approvals/${id}/approve`, { actor: 'webui' })
    await guest.shows(({ media }) => media.length > 0)
    await bob.shows(/^\[Approved\]/)
    await guest.say('/run portrait a second fox')
    const second = approvalIdIn((await bob.shows(/^\[Approval Requested\].*\n(.|\n)*second fox/)).text)
    await guest.shows(second)
    await atBackend(simulator, `/openclaw/approvals/${second}/reject`, { actor: 'webui' })
    await bob.say('/run portrait a dog')
    await guest.shows('turned down')
    expect(prompts(simulator)).toEqual(['a red fox', 'a dog'])
  })

  test('that loses the one submit slot of the backend still runs once', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { submitMs: 1500 } })
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    await bob.shows('[Approval Requested]')
    const other = atBackend(simulator, '/openclaw/triggers/fire', {
      template_id: 'portrait',
      inputs: { prompt: 'else' },
    })
    bob.press('[Approval Requested]', 'Approve')
    await guest.shows(({ media }) => media.length > 0)
    await other
    await bob.shows('[Approved] by Bob')
    await guest.shows(/^Done/)
    expect(prompts(simulator)).toEqual(['else', 'a red fox'])
    // Carl's request, the other client's job, and the approved job once more, until it got the slot.
    expect(asked(simulator, 'POST /openclaw/triggers/fire').length).toBeGreaterThanOrEqual(3)
    expect(asked(simulator, 'POST /openclaw/approvals/')).toHaveLength(1)
    expect(guest.texts().filter((text) => /not started|could not/i.test(text))).toEqual([])
  })

  test('decided while the connector was away is carried on when it is back', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    const { telegram, simulator } = house
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    const id = approvalIdIn((await bob.shows('[Approval Requested]')).text)
    await guest.shows(id)
    await house.daemon().stop()
    await atBackend(simulator, `/openclaw/approvals/${id}/approve`, { actor: 'webui' })
    await simulator.control.idle()
    await house.start()
    await guest.shows(({ media }) => media.length > 0)
    const card = await bob.shows(/^\[Approved\]/)
    expect(card.buttons).toEqual([])
    expect(prompts(simulator)).toEqual(['a red fox'])
  })

  test('decided while the backend is down is kept, and passed on when it is back', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    await bob.shows('[Approval Requested]')
    await simulator.control.setDown(true)
    bob.press('[Approval Requested]', 'Approve')
    await bob.shows(/Your decision on apr_\w+ is kept/)
    await simulator.control.setDown(false)
    await guest.shows(({ media }) => media.length > 0)
    await bob.shows('[Approved] by Bob')
    expect(prompts(simulator)).toEqual(['a red fox'])
  })
})
