import { expect } from 'vitest'
import type { Capabilities, InboundEvent, MediaKind, MediaRung, PartButton } from '../../src/contract/index.ts'
import { artifactFor, fullText, partOf, textPart } from './fixtures.ts'
import type { Case } from './intake.ts'
import { type Rig, Skipped } from './rig.ts'

const MARKUP = '<b>*_[x](y)&amp; `code` ~gone~ ||spoiler|| > # @everyone <@U1> {{#mentions.k}} \\_/ %s $1'
const FOX = '\u{1f98a}'

const can = (rig: Rig): Capabilities => rig.module.capabilities

const shownAs = (name: string, textOf: (rig: Rig) => string): Case => ({
  name,
  run: async (rig) => {
    const text = textOf(rig)
    const { shown } = await rig.speak(rig.platform.places.dm, (event) => textPart(event, text))
    expect(shown.map((message) => message.text.length)).toEqual([text.length])
    expect(shown[0]?.text).toBe(text)
  },
})

const rungsOf = (kind: MediaKind): Case => ({
  name: `each declared way of sending ${kind === 'image' ? 'an image' : kind === 'audio' ? 'audio' : `a ${kind}`} works`,
  needs: (rig) => (can(rig).media[kind].length === 0 ? `takes no ${kind}` : null),
  run: async (rig) => {
    for (const rung of can(rig).media[kind]) await sendRung(rig, kind, rung)
  },
})

const sendRung = async (rig: Rig, kind: MediaKind, rung: MediaRung): Promise<void> => {
  const media = artifactFor(kind, rung)
  const caption = fullText({ ...can(rig).text, max: rung.caption }, 'c')
  const { shown } = await rig.speak(rig.platform.places.dm, (event) =>
    partOf(event, [{ kind: 'media', media, as: rung.as, ...(caption && { caption }) }]),
  )
  const seen = shown.flatMap((message) => message.media)
  expect(seen.map((file) => file.as)).toEqual([rung.as])
  // Sent as a document, a picture is a file to those who see it.
  expect([kind, 'file']).toContain(seen[0]?.kind)
  if (rung.by === 'upload') expect(seen[0]).toMatchObject({ bytes: media.bytes, name: media.name })
  expect(shown.map((message) => message.text).join('')).toBe(caption)
}

/** As the core makes them: opaque, of letters that ids of its store have. */
const buttonsOf = (count: number, labelMax: number): readonly PartButton[] =>
  Array.from({ length: count }, (_, nth) => ({
    label: nth === 0 ? 'L'.repeat(labelMax) : `No. ${nth}`.slice(0, labelMax),
    action: `Zx9_-0123456789abcdefg${nth}`,
    say: `/approve apr_0123456789ab ${nth}`,
  }))

export const outgoingCases: readonly Case[] = [
  {
    name: 'the table says exactly what the adapter has',
    run: async (rig) => {
      const { adapter } = rig
      expect({
        edit: adapter.edit !== null,
        typing: adapter.typing !== null,
        inline: adapter.inline !== null,
        download: adapter.download !== null,
        quota: adapter.quota !== null,
      }).toEqual({
        edit: can(rig).edit !== null,
        typing: can(rig).typing !== null,
        inline: can(rig).answer.inlineMs !== null,
        download: can(rig).receives.length > 0,
        quota: can(rig).answer.push === 'quota',
      })
      expect(adapter.intakes.length).toBeGreaterThan(0)
      expect(can(rig).audiences).toContain('everyone')
      expect(can(rig).text.max).toBeGreaterThan(0)
      expect(rig.module.id).toMatch(/^[a-z]+$/)
    },
  },
  {
    name: 'every switch is a variable of its table',
    run: async ({ module }) => {
      expect(module.activation.flat().filter((name) => !(name in module.env))).toEqual([])
      expect(module.activation.length).toBeGreaterThan(0)
      if (module.operator) expect(module.env[module.operator.flag]?.kind).toBe('flag')
    },
  },
  {
    name: 'a person who never wrote to us can be written to by their id',
    needs: (rig) => (can(rig).directByUserId ? null : 'the id of a person is not that of a chat'),
    run: async (rig) => {
      const { bob } = rig.platform.people
      const part = await rig.ready(rig.platform.places.dm, (event) => {
        const { thread: _, ...where } = event.where
        return { ...textPart(event, 'please decide'), to: { ...where, chat: bob.id, kind: 'dm' } }
      })
      // A one-time token would lead to the chat it came from.
      const { handle: _, ...bare } = part
      const { shown } = await rig.send(bare)
      expect(shown).toMatchObject([{ text: 'please decide', place: { chat: bob.id, kind: 'dm' } }])
    },
  },
  shownAs('a short text is shown as it is', () => 'A red fox, seed 42'),
  shownAs('a text of the declared length is shown whole', (rig) => fullText(can(rig).text, 'x')),
  shownAs('a text of surrogate pairs up to the declared length is shown whole', (rig) => fullText(can(rig).text, FOX)),
  shownAs('characters of markup stay what they are', () => MARKUP),
  shownAs('line breaks, tabs and leading spaces inside a text stay', () => 'one\n\n  two\n\tthree\n```\nfour\n```'),
  {
    name: 'one call carries as many texts as declared',
    needs: (rig) => (can(rig).call.items === 1 ? 'one item a call' : null),
    run: async (rig) => {
      const texts = Array.from({ length: can(rig).call.items }, (_, nth) => `text ${nth}`)
      const { shown } = await rig.speak(rig.platform.places.dm, (event) =>
        partOf(
          event,
          texts.map((text) => ({ kind: 'text', text })),
        ),
      )
      expect(shown.map((message) => message.text).join('\n')).toBe(texts.join('\n'))
    },
  },
  rungsOf('image'),
  rungsOf('video'),
  rungsOf('audio'),
  rungsOf('file'),
  {
    name: 'one call carries as many files of a kind as declared',
    needs: (rig) =>
      Object.values(can(rig).media).some((rungs) => rungs.some((rung) => rung.album > 1)) ? null : 'no albums',
    run: async (rig) => {
      for (const [kind, rungs] of Object.entries(can(rig).media) as [MediaKind, readonly MediaRung[]][]) {
        for (const rung of rungs.filter(({ album }) => album > 1)) {
          const files = Array.from({ length: rung.album }, (_, nth) => artifactFor(kind, rung, nth + 2))
          const { shown } = await rig.speak(rig.platform.places.dm, (event) =>
            partOf(
              event,
              files.map((media) => ({ kind: 'media', media, as: rung.as })),
            ),
          )
          const seen = shown.flatMap((message) => message.media)
          expect(seen.map((file) => file.as)).toEqual(files.map(() => rung.as))
          if (rung.by === 'upload') expect(seen.map((file) => file.name)).toEqual(files.map((file) => file.name))
        }
      }
    },
  },
  {
    name: 'a pressed button comes back as what it stands for',
    needs: (rig) => (can(rig).buttons ? null : 'no buttons'),
    run: async (rig) => {
      const buttons = buttonsOf(can(rig).buttons?.max ?? 0, can(rig).buttons?.labelMax ?? 0)
      const spoken = await rig.speak(rig.platform.places.dm, (event) => textPart(event, 'Which one?', { buttons }))
      const shown = spoken.shown.flatMap((message) => message.buttons)
      expect(shown.map((button) => button.label)).toEqual(buttons.map((button) => button.label))
      const { event } = await rig.hear(async () => {
        await shown[1]?.press()
        return null
      })
      expect(event?.where).toEqual(spoken.part.to)
      const wanted = buttons[1]
      if (can(rig).buttons?.kind === 'type') return expect(event?.body).toMatchObject({ text: wanted?.say })
      expect(event?.body).toMatchObject({ kind: 'press', action: wanted?.action })
      if (event?.body.kind === 'press' && event.body.message !== undefined)
        expect(event.body.message).toBe(spoken.receipt.message)
    },
  },
  {
    name: 'an edit changes the message that is shown, also to the same text again',
    needs: (rig) => (can(rig).edit ? null : 'messages cannot be edited'),
    run: async (rig) => {
      const { part, receipt } = await rig.speak(rig.platform.places.dm, (event) => textPart(event, 'Queued: place 2'))
      const before = rig.platform.shown().length
      const edited = { ...part, items: [{ kind: 'text', text: MARKUP }] as const }
      for (const key of ['first', 'again']) {
        const { via } = (await rig.adapter.edit?.(receipt.message ?? '', { ...edited, key }, signal())) ?? {}
        expect(via).toBe('edit')
      }
      expect(rig.platform.shown()).toHaveLength(before)
      expect(rig.platform.shown().at(-1)).toMatchObject({ text: MARKUP, buttons: [], place: rig.platform.places.dm })
      expect(rig.platform.shown().at(-1)?.edits).toBeGreaterThan(0)
    },
  },
  {
    name: 'an edit takes the buttons away',
    needs: (rig) => (can(rig).edit && can(rig).buttons ? null : 'no buttons to edit'),
    run: async (rig) => {
      const buttons = buttonsOf(2, 8)
      const { part, receipt } = await rig.speak(rig.platform.places.dm, (event) =>
        textPart(event, 'Sure?', { buttons }),
      )
      await rig.adapter.edit?.(receipt.message ?? '', { ...part, buttons: [] }, signal())
      expect(rig.platform.shown().at(-1)).toMatchObject({ text: 'Sure?', buttons: [] })
    },
  },
  {
    name: 'an edit of a message that is gone says so',
    needs: (rig) => (can(rig).edit ? null : 'messages cannot be edited'),
    run: async (rig) => {
      const { part, receipt } = await rig.speak(rig.platform.places.dm, (event) => textPart(event, 'here'))
      const gone = receipt.message?.replace(/\d+(?=\D*$)/, '987654') ?? ''
      expect(gone).not.toBe(receipt.message)
      await expect(rig.adapter.edit?.(gone, part, signal())).rejects.toMatchObject({ code: 'edit_gone' })
    },
  },
  {
    name: 'the sign that we are at work can be shown in every place',
    needs: (rig) => (can(rig).typing ? null : 'no such sign'),
    run: async (rig) => {
      const seen: InboundEvent[] = []
      await rig.speak(rig.platform.places.dm, (event) => {
        seen.push(event)
        return textPart(event, 'one moment')
      })
      const before = rig.platform.calls().length
      for (const { where, message } of seen) await rig.adapter.typing?.(where, message, signal())
      expect(rig.platform.calls().length).toBeGreaterThan(before)
    },
  },
  {
    name: 'an answer quotes the message it answers, and a quote that is gone stops nothing',
    needs: (rig) => (can(rig).quotes ? null : 'no quotes'),
    run: async (rig) => {
      const place = rig.platform.places.dm
      const quoting = await rig.speak(place, (event) => textPart(event, 'yes', { replyTo: event.message ?? '' }))
      expect(quoting.part.replyTo).not.toBe('')
      expect(quoting.shown.map((message) => message.replyTo)).toEqual([quoting.part.replyTo])
      const lone = await rig.speak(place, (event) => textPart(event, 'yes again', { replyTo: '987654' }))
      expect(lone.shown.map((message) => message.text)).toEqual(['yes again'])
    },
  },
  {
    name: 'an answer for the asker alone is seen by the asker alone',
    needs: (rig) => (can(rig).audiences.includes('asker') ? null : 'no private answers'),
    run: async (rig) => {
      const { people, places } = rig.platform
      if (places.group.chat === places.dm.chat) throw new Skipped('one person only')
      const { shown } = await rig.speak(places.group, (event) => textPart(event, 'psst', { audience: 'asker' }))
      expect(shown.map((message) => message.onlyFor)).toEqual([people.ann.id])
    },
  },
  {
    name: 'nothing is called that the table does not declare',
    run: async (rig) => {
      await rig.speak(rig.platform.places.dm, (event) => textPart(event, 'hello'))
      const words = [can(rig).edit ? null : 'edit', can(rig).typing ? null : 'typing|chataction', 'delete|ban|kick']
      const undeclared = new RegExp(words.filter((word) => word !== null).join('|'), 'i')
      expect(rig.platform.calls().filter((call) => undeclared.test(call.method))).toEqual([])
    },
  },
]

const signal = (): AbortSignal => AbortSignal.timeout(5000)
