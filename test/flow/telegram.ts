import type { Person, Place, SayMore, Shown } from '../platforms/platform.ts'
import type { FakeTelegram } from '../platforms/telegram.ts'
import { openRoom, personJson, postJson } from '../platforms/telegram-world.ts'
import { until } from './process.ts'

export const carl: Person = { id: '501000444', name: 'Carl' }
export const dora: Person = { id: '501000555', name: 'Dora' }

/** People who have opened a chat with the bot. */
export const openRooms = (telegram: FakeTelegram, people: readonly Person[]): void => {
  for (const person of people) openRoom(telegram.world, Number(person.id), 'private', person.name)
}

/** One conversation as one person sees it. */
export interface Chat {
  readonly person: Person
  readonly place: Place
  readonly say: (text: string, more?: SayMore) => Promise<void>
  /** What the bot shows there now, oldest first. */
  readonly seen: () => readonly Shown[]
  readonly texts: () => readonly string[]
  /** Waits until a message fits; returns it as it is then. */
  readonly shows: (what: string | RegExp | ((shown: Shown) => boolean)) => Promise<Shown>
  /** Presses a button of the message that fits; an alert is shown only to the presser. */
  readonly press: (what: string | RegExp, label: string, by?: Person) => void
}

const fits = (what: string | RegExp | ((shown: Shown) => boolean), shown: Shown): boolean => {
  if (typeof what === 'function') return what(shown)
  return typeof what === 'string' ? shown.text.includes(what) : what.test(shown.text)
}

export const chatOf = (
  telegram: FakeTelegram,
  person: Person,
  place: Place = { chat: person.id, kind: 'dm' },
): Chat => {
  const seen = (): readonly Shown[] =>
    telegram
      .shown()
      .filter((shown) => shown.place.chat === place.chat)
      .filter((shown) => shown.place.thread === place.thread)
  return {
    person,
    place,
    say: async (text, more) => void (await telegram.say(person, place, text, more)),
    seen,
    texts: () => seen().map(({ text }) => text),
    shows: (what) =>
      until(
        `${place.chat} shows ${what}`,
        () => seen().find((shown) => fits(what, shown)),
        () => seen().map(({ text, media, edits }) => ({ text, media, edits })),
      ),
    press: (what, label, by = person) => press(telegram, place, what, label, by),
  }
}

/** Message ids count up per chat, so the chat has to be named here. */
const press = (telegram: FakeTelegram, place: Place, what: string | RegExp, label: string, by: Person): void => {
  const post = telegram.world.posts.findLast(
    (one) =>
      String(one.room.id) === place.chat &&
      one.by === null &&
      one.keys.flat().some((key) => key.text === label) &&
      (typeof what === 'string' ? one.text.includes(what) : what.test(one.text)),
  )
  const key = post?.keys.flat().find((one) => one.text === label)
  if (!post || !key) throw new Error(`${place.chat} shows no button ${label} under ${what}`)
  pressKey(telegram, post, key.callback_data, by)
}

type Post = FakeTelegram['world']['posts'][number]

/** A press as an old client sends it, whatever the message shows by now. */
export const pressKey = (telegram: FakeTelegram, post: Post, data: string, by: Person): void => {
  const { world, updates } = telegram
  const id = String(5_000_000_000_000_000_000n + BigInt(world.queries.size + 1))
  world.queries.set(id, { id, by, post, askedMs: Date.now(), answered: false })
  updates.push({
    callback_query: { id, from: personJson(by, false), message: postJson(world, post), chat_instance: '-88', data },
  })
}

export const promptIdIn = (text: string): string => /ID: (\S+)/.exec(text)?.[1] ?? ''

/** A job was taken: the answer to its command, or what that message was edited to meanwhile. */
export const submitted = /^(\[Job Submitted\]|Waiting:|Running:|Done:) \w+/
