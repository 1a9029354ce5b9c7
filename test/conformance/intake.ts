import { expect } from 'vitest'
import { type InboundEvent, laneOf } from '../../src/contract/index.ts'
import type { Place } from '../platforms/platform.ts'
import { textPart } from './fixtures.ts'
import { type Rig, Skipped } from './rig.ts'

/** One promise of the contract. `needs` names what the platform lacks for it, from its capability table. */
export interface Case {
  readonly name: string
  readonly needs?: (rig: Rig) => string | null
  readonly run: (rig: Rig) => Promise<void>
}

const isStream = (rig: Rig): boolean => rig.adapter.intakes.some((intake) => intake.kind === 'stream')

/** Fakes of platforms with one person, or with one place, give the same one for all. */
const hasGroups = ({ platform: { places } }: Rig): boolean => places.group.chat !== places.dm.chat

/** Says something that may be ignored; a message behind it proves that its time has passed. */
const eventsOf = async (rig: Rig, act: () => Promise<unknown>): Promise<Rig['brought']> => {
  const before = rig.brought.length
  await act()
  if (!isStream(rig)) return rig.brought.slice(before)
  const { people } = rig.platform
  const isFence = ({ body }: InboundEvent): boolean => body.kind === 'text' && body.text === 'fence'
  await rig.platform.say(people.bob, { chat: people.bob.id, kind: 'dm' }, 'fence')
  await rig.until(() => rig.brought.slice(before).some(isFence))
  return rig.brought.slice(before).filter((event) => !isFence(event))
}

const landing = (which: string, of: (rig: Rig) => Place | null): Case => ({
  name: `an answer to what was said in a ${which} lands there`,
  needs: (rig) => {
    if (which === 'thread' && !rig.module.capabilities.threads) return 'no threads'
    return which !== 'DM' && !hasGroups(rig) ? 'no groups' : null
  },
  run: async (rig) => {
    const place = of(rig)
    if (!place) throw new Skipped('the fake has no such place')
    const { shown, part } = await rig.speak(place, (event) => textPart(event, 'here I am'))
    expect(shown.map((message) => message.place)).toEqual([place])
    expect(part.to.kind).toBe(place.kind)
  },
})

export const intakeCases: readonly Case[] = [
  {
    name: 'events come in no other way than the table says',
    run: async ({ adapter, module: { capabilities } }) => {
      const kinds = adapter.intakes.map(({ kind }) => kind)
      expect(kinds.length).toBeGreaterThan(0)
      expect(capabilities.intakes).toEqual(expect.arrayContaining(kinds))
      expect(new Set(capabilities.intakes).size).toBe(capabilities.intakes.length)
    },
  },
  {
    name: 'what a person writes arrives with sender, place and words, addressed to us',
    run: async (rig) => {
      const { people, places } = rig.platform
      const { event, reply } = await rig.say(people.ann, places.dm, 'draw a red fox')
      if (reply) expect(reply.status).toBe(200)
      expect(event?.body).toEqual({ kind: 'text', text: 'draw a red fox', addressed: true })
      expect(event?.from).toMatchObject({ id: people.ann.id, self: false, bot: false })
      expect(event?.where).toMatchObject({
        platform: rig.module.id,
        account: rig.adapter.account,
        kind: 'dm',
        chat: places.dm.chat,
      })
      expect(event?.proof).not.toBe('none')
    },
  },
  {
    name: 'events are plain data: they survive JSON unchanged and carry every field the store needs',
    run: async (rig) => {
      const { people, places } = rig.platform
      const { event } = await rig.say(people.ann, places.dm, 'keep me')
      expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
      expect(event?.id.startsWith(`${rig.module.id}:${rig.adapter.account}:`)).toBe(true)
      expect(Math.abs((event?.at ?? 0) - Date.now())).toBeLessThan(120_000)
      expect(event && laneOf(event.where)).toContain(places.dm.chat)
    },
  },
  {
    name: 'the same words said twice are two events',
    run: async (rig) => {
      const { people, places } = rig.platform
      const first = await rig.say(people.ann, places.dm, 'again')
      const second = await rig.say(people.ann, places.dm, 'again')
      expect(first.event?.id).not.toBe(second.event?.id)
    },
  },
  {
    name: 'a redelivery brings the same event id',
    needs: (rig) => (rig.module.capabilities.redeliveryMs === 0 ? 'the platform redelivers nothing' : null),
    run: async (rig) => {
      const { people, places } = rig.platform
      const first = await rig.say(people.ann, places.dm, 'once only')
      const second = await rig.hear(() => rig.platform.redeliver())
      expect(second.event).not.toBeNull()
      expect(second.event?.id).toBe(first.event?.id)
      expect(second.event?.body).toEqual(first.event?.body)
    },
  },
  {
    name: 'our own message coming back is marked as ours, or left out',
    needs: (rig) => (hasGroups(rig) ? null : 'one person only'),
    run: async (rig) => {
      const { platform } = rig
      const events = await eventsOf(rig, () =>
        platform.say(platform.people.ann, platform.places.dm, 'I said so', { fromUs: true }),
      )
      expect(events.filter((event) => !event.from.self)).toEqual([])
    },
  },
  {
    name: 'a message of another bot is marked as one, or left out',
    needs: (rig) => (hasGroups(rig) ? null : 'one person only'),
    run: async (rig) => {
      const { platform } = rig
      const events = await eventsOf(rig, () => platform.say(platform.people.robot, platform.places.group, 'beep'))
      expect(events.filter((event) => !event.from.bot)).toEqual([])
    },
  },
  {
    name: 'talk in a group that does not name us is not taken as addressed to us',
    needs: (rig) => (hasGroups(rig) ? null : 'no groups'),
    run: async (rig) => {
      const { platform } = rig
      const events = await eventsOf(rig, () =>
        platform.say(platform.people.ann, platform.places.group, 'lunch?', { mention: false }),
      )
      expect(events.filter((event) => event.body.kind !== 'text' || event.body.addressed)).toEqual([])
    },
  },
  {
    name: 'a group message that names us arrives without the mention, or the group is told we are not there',
    needs: (rig) => (hasGroups(rig) ? null : 'no groups'),
    run: async (rig) => {
      const { platform } = rig
      const before = platform.shown().length
      const { event, reply } = await rig.say(platform.people.ann, platform.places.group, 'draw a fox', {
        mention: true,
      })
      if (event) {
        expect(event.body).toEqual({ kind: 'text', text: 'draw a fox', addressed: true })
        expect(event.where).toMatchObject({ kind: 'group', chat: platform.places.group.chat })
        return
      }
      expect(reply?.status).toBe(200)
      expect(platform.shown().slice(before)).toHaveLength(1)
    },
  },
  landing('DM', ({ platform }) => platform.places.dm),
  landing('group', ({ platform }) => platform.places.group),
  landing('thread', ({ platform }) => platform.places.thread),
  {
    name: 'every forgery is refused with its status, brings no event and learns nothing',
    needs: (rig) => (rig.platform.forgeries().length === 0 ? 'nobody can call us' : null),
    run: async (rig) => {
      const answers = []
      for (const forgery of rig.platform.forgeries()) {
        const reply = await rig.call(forgery.call)
        answers.push({ name: forgery.name, status: reply.status, body: reply.body })
      }
      const expected = rig.platform.forgeries().map(({ name, status }) => ({ name, status, body: '' }))
      expect(answers).toEqual(expected)
      expect(rig.brought).toEqual([])
    },
  },
  {
    name: 'webhooks say where they listen, to how many bytes, and how long an answer may take',
    needs: (rig) => (isStream(rig) ? 'no webhook' : null),
    run: async (rig) => {
      for (const intake of rig.adapter.intakes) {
        if (intake.kind !== 'webhook') continue
        expect(intake.path).toMatch(/^\//)
        expect(intake.methods.length).toBeGreaterThan(0)
        expect(intake.maxBytes).toBeGreaterThan(1000)
        expect(intake.maxBytes).toBeLessThanOrEqual(16 * 1024 * 1024)
        const longestMs = rig.module.capabilities.answer.inlineMs
        expect(intake.inlineMs === null).toBe(longestMs === null)
        expect(intake.inlineMs ?? 0).toBeLessThanOrEqual(longestMs ?? 0)
      }
    },
  },
  {
    name: 'what could not be kept comes again, and then goes on',
    needs: (rig) => (isStream(rig) ? null : 'a webhook is answered with an error instead'),
    run: async (rig) => {
      const { people, places } = rig.platform
      rig.refuseNext()
      const refused = await rig.say(people.ann, places.dm, 'keep this')
      await rig.until(() => rig.brought.length > 1)
      expect(rig.brought[1]).toMatchObject({ id: refused.event?.id, body: refused.event?.body })
      const next = await rig.say(people.ann, places.dm, 'and this')
      expect(next.event?.body).toMatchObject({ text: 'and this' })
    },
  },
  {
    name: 'aborting ends the streams at once',
    needs: (rig) => (isStream(rig) ? null : 'no stream'),
    run: async (rig) => {
      await rig.say(rig.platform.people.ann, rig.platform.places.dm, 'hello')
      expect(await rig.stop()).toBeLessThan(250)
    },
  },
]
