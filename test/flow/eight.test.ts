import { describe, expect, test, vi } from 'vitest'
import { prompts } from './backend.ts'
import { type Eight, type Member, openEight, readyWhen } from './eight.ts'
import { until } from './process.ts'
import type { Death } from './relay.ts'

vi.setConfig({ testTimeout: 60_000 })

/** Whose platform dies how. Where a cut call may have arrived, and a repeat would be seen, none is cut. */
const deaths: Readonly<Record<string, Death>> = {
  telegram: 'port_gone',
  discord: 'drops',
  feishu: 'drops',
  slack: 'refuses',
  line: 'drops',
  whatsapp: 'refuses',
  wechat: 'port_gone',
  kakao: 'port_gone',
}

const picture = ({ fake, id, pictures }: Member, word: string): Promise<unknown> =>
  until(
    `the picture of ${word} on ${id}`,
    () => pictures(word).length > 0,
    () => fake.shown().map(({ place, text, media }) => ({ place, text, media })),
    20_000,
  )

/** Everything the bot showed on a platform stands in Ann's chat there, and nothing of another platform's is among it. */
const onlyTheirOwn = ({ members }: Eight, words: (id: string) => readonly string[]): void => {
  for (const { id, fake, pictures } of members) {
    const shown = fake.shown()
    expect(
      shown.filter(({ place }) => place.chat !== fake.places.dm.chat),
      id,
    ).toEqual([])
    for (const word of words(id)) expect(pictures(word), `${word} on ${id}`).toHaveLength(1)
    expect(shown.filter(({ media }) => media.length > 0).length, id).toBe(words(id).length)
    const said = shown.map(({ text }) => text).join('\n')
    for (const other of members.filter((one) => one.id !== id)) expect(said, id).not.toContain(`a ${other.id} `)
  }
}

/** One after the other dies and comes back, while a job of it and a job of the next one are under way. */
const oneByOne = async (eight: Eight, victims: readonly string[]): Promise<void> => {
  const { house, members } = eight
  const { control } = house.simulator
  const words = new Map<string, string[]>(members.map(({ id }) => [id, []]))
  const wish = async (member: Member, about: string): Promise<string> => {
    const word = `a ${member.id} ${about}`
    words.get(member.id)?.push(word)
    await member.wish(word)
    return word
  }
  for (const id of victims) {
    const at = members.findIndex((member) => member.id === id)
    const [victim, other] = [members[at], members[(at + 1) % members.length]]
    if (!victim || !other) throw new Error(`no ${id}`)
    control.pause()
    const [lost, meanwhile] = await Promise.all([wish(victim, 'in need'), wish(other, `while ${id} was away`)])
    const known = [...words.values()].flat().length
    await until('both are at the backend', () => prompts(house.simulator).length === known)
    await victim.relay.die(deaths[id] ?? 'port_gone')
    control.resume()
    await picture(other, meanwhile)
    const platforms = await readyWhen(house, `${id} is listed`, (all) => all[id]?.state !== 'up')
    expect(platforms[id]).toEqual({
      state: expect.stringMatching(/^(mute|down)$/),
      about: expect.stringMatching(/network|no answer|answered|unavailable|reached|ended|broke off|503/i),
    })
    // The other seven are as well as ever.
    expect(Object.entries(platforms).filter(([name, { state }]) => name !== id && state !== 'up')).toEqual([])
    expect(victim.pictures(lost)).toEqual([])
    await victim.relay.revive()
    await picture(victim, lost)
    await readyWhen(house, 'all is well', (all) => Object.values(all).every(({ state }) => state === 'up'))
  }
  await until('nothing is under way', async () => {
    const { waiting } = (await (await fetch(`${house.adminUrl}/readyz`)).json()) as { waiting: Record<string, number> }
    return Object.values(waiting).every((count) => count === 0)
  })
  onlyTheirOwn(eight, (id) => words.get(id) ?? [])
  expect(prompts(house.simulator).toSorted()).toEqual([...words.values()].flat().toSorted())
}

describe.concurrent('one daemon on all eight platforms', () => {
  test('a job on each at once ends in the right chat, and nowhere else', async ({ onTestFinished }) => {
    const eight = await openEight(onTestFinished)
    const { house, members } = eight
    const word = (id: string): string => `a ${id} whale`
    await Promise.all(members.map((member) => member.wish(word(member.id))))
    for (const member of members) await picture(member, word(member.id))
    onlyTheirOwn(eight, (id) => [word(id)])
    expect(prompts(house.simulator).toSorted()).toEqual(members.map(({ id }) => word(id)).toSorted())
  })

  test('Telegram, Discord, Feishu and Slack die one by one and come back: the others go on, nothing is lost', async ({
    onTestFinished,
  }) => {
    await oneByOne(await openEight(onTestFinished), ['telegram', 'discord', 'feishu', 'slack'])
  })

  test('LINE, WhatsApp, WeChat and KakaoTalk die one by one and come back: the others go on, nothing is lost', async ({
    onTestFinished,
  }) => {
    await oneByOne(await openEight(onTestFinished), ['line', 'whatsapp', 'wechat', 'kakao'])
  })
})
