import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Artifact, Reply } from '../../src/contract/index.ts'
import { plan } from '../../src/delivery/plan.ts'
import {
  anyCapabilities,
  anyReply,
  artifact,
  capabilities,
  context,
  mediaOf,
  rung,
  texts,
  textsOf,
  violations,
} from './plan-kit.ts'

const reply = (over: Partial<Reply>): Reply => ({ audience: 'everyone', ...over })
const approve = { label: 'Approve', say: '/approve apr_1', ttlMs: 60_000 }
const reject = { label: 'Reject', say: '/reject apr_1', ttlMs: 60_000 }
const pictures = (n: number, over: Partial<Artifact> = {}): Artifact[] =>
  Array.from({ length: n }, (_, i) => artifact({ blob: `b${i}`, name: `fox${i}.png`, ...over }))

describe('any plan', () => {
  const anyContext = { replyTo: 'm1', handle: { kind: 'token', value: 'v', expiresAt: 1 } as const }
  const anyCase = [anyReply, anyCapabilities, fc.boolean()] as const

  test('stays within the capabilities', () => {
    fc.assert(
      fc.property(...anyCase, (said, caps, canLink) => {
        const { parts } = plan(said, context({ ...anyContext, canLink }), caps)
        expect(parts.flatMap((part) => violations(part, caps))).toEqual([])
      }),
      { numRuns: 1500 },
    )
  })

  test('hands over or mentions every file, and shows or names every button', () => {
    fc.assert(
      fc.property(...anyCase, (said, caps, canLink) => {
        const { parts } = plan(said, context({ canLink }), caps)
        const sent = parts.flatMap(mediaOf).map((item) => item.media.blob)
        const words = parts.flatMap(textsOf).join('').replace(/\s+/g, '')
        const shown = parts.flatMap((part) => part.buttons.map(({ say }) => say))
        for (const file of said.media ?? []) expect(sent.includes(file.blob) || words.includes(file.name)).toBe(true)
        for (const { say } of said.buttons ?? []) expect(shown.includes(say) || words.includes(say)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('has unique, stable keys, one handle, one quote, and an action for each press', () => {
    fc.assert(
      fc.property(...anyCase, (said, caps, canLink) => {
        const once = plan(said, context({ ...anyContext, canLink }), caps)
        const keys = once.parts.map(({ key }) => key)
        expect(
          plan(said, context({ ...anyContext, canLink, newId: () => 'other' }), caps).parts.map(({ key }) => key),
        ).toEqual(keys)
        expect(new Set(keys).size).toBe(keys.length)
        expect(once.parts.filter(({ handle }) => handle)).toEqual(once.parts.slice(0, 1))
        expect(once.parts.filter(({ replyTo }) => replyTo)).toEqual(caps.quotes ? once.parts.slice(0, 1) : [])
        const pressed = once.parts.flatMap((part) => part.buttons.map(({ action }) => action))
        expect(once.actions.map(({ id }) => id).sort()).toEqual(caps.buttons?.kind === 'press' ? pressed.sort() : [])
      }),
      { numRuns: 600 },
    )
  })

  test('stays with the asker to its last part where the answer token can carry several', () => {
    const handle = { kind: 'token', value: 'v', expiresAt: 1, several: true } as const
    fc.assert(
      fc.property(...anyCase, (said, caps, canLink) => {
        const { parts } = plan(said, context({ handle, canLink }), caps)
        const isPrivate = said.audience === 'asker'
        expect(parts.map((part) => part.audience)).toEqual(parts.map(() => said.audience))
        expect(parts.map((part) => part.handle !== undefined)).toEqual(parts.map((_, i) => isPrivate || i === 0))
      }),
      { numRuns: 600 },
    )
  })

  test('gives the edit key to a text that stands alone', () => {
    fc.assert(
      fc.property(...anyCase, (said, caps, canLink) => {
        fc.pre(said.editableAs !== undefined && (said.text ?? '').trim() !== '')
        const [first] = plan(said, context({ canLink }), caps).parts
        expect(first?.key).toBe('edit-me')
        expect(first?.items.map(({ kind }) => kind)).toEqual(['text'])
      }),
    )
  })

  test('tells in the first part how to get the others where we can not speak first', () => {
    fc.assert(
      fc.property(...anyCase, (said, caps, canLink) => {
        const mute = { ...caps, answer: { ...caps.answer, push: 'never' as const } }
        const [first, ...rest] = plan(said, context({ canLink }), mute).parts
        fc.pre(first !== undefined && rest.length > 0 && caps.text.max > 20)
        const ways = [...(first?.buttons.map(({ say }) => say) ?? []), ...(first ? textsOf(first) : [])]
        expect(ways.join(' ')).toContain('/inbox')
      }),
      { numRuns: 600 },
    )
  })
})

describe('plan of text', () => {
  test('gives no part for a blank reply', () => {
    expect(plan(reply({ text: ' \n' }), context(), capabilities()).parts).toEqual([])
    expect(plan(reply({}), context(), capabilities())).toEqual({ parts: [], actions: [] })
  })

  test('numbers the pieces of a long text', () => {
    const { parts } = plan(reply({ text: 'word '.repeat(100) }), context(), capabilities())
    expect(parts.map(({ key }) => key)).toEqual(['k#0', 'k#1', 'k#2'])
  })

  test('packs pieces into one call where a call takes several items', () => {
    const { parts } = plan(reply({ text: 'word '.repeat(180) }), context(), capabilities({ call: { items: 3 } }))
    expect(parts.map(({ items }) => items.length)).toEqual([3, 2])
  })

  test('repairs text that is not well-formed', () => {
    const { parts } = plan(reply({ text: 'a\ud800' }), context(), capabilities())
    expect(parts.flatMap(textsOf)).toEqual(['a\ufffd'])
  })

  test('shows a private answer to everyone only where there are no private ones', () => {
    const said = reply({ text: 'hi', audience: 'asker' })
    const audienceOf = (caps: Parameters<typeof plan>[2]) => plan(said, context(), caps).parts[0]?.audience
    expect(audienceOf(capabilities())).toBe('everyone')
    expect(audienceOf(capabilities({ audiences: ['everyone', 'asker'] }))).toBe('asker')
  })

  test('copies that more will follow', () => {
    expect(plan(reply({ text: 'hi', interim: true }), context(), capabilities()).parts[0]?.interim).toBe(true)
  })
})

describe('plan of files', () => {
  test('makes a short text the caption of the first file', () => {
    const { parts } = plan(reply({ text: 'A fox', media: [artifact()] }), context(), capabilities())
    expect(parts.map(({ items }) => items)).toEqual([
      [{ kind: 'media', media: artifact(), as: 'photo', caption: 'A fox' }],
    ])
  })

  test('sends a text that is too long for a caption first', () => {
    const { parts } = plan(reply({ text: 'fox '.repeat(20), media: [artifact()] }), context(), capabilities())
    expect(parts.map(({ items }) => items.map(({ kind }) => kind))).toEqual([['text'], ['media']])
  })

  test('puts pictures into albums up to their size, with the caption on the first', () => {
    const { parts } = plan(reply({ text: 'Foxes', media: pictures(12) }), context(), capabilities())
    expect(parts.map(({ items }) => items.length)).toEqual([10, 2])
    expect(parts.flatMap(textsOf)).toEqual(['Foxes'])
  })

  test('mixes no photos with documents, and keeps the order', () => {
    const media = [...pictures(2), ...pictures(2, { bytes: 2000 }), ...pictures(1)]
    const { parts } = plan(reply({ media }), context(), capabilities())
    expect(parts.map((part) => mediaOf(part).map(({ as }) => as))).toEqual([
      ['photo', 'photo'],
      ['document', 'document'],
      ['photo'],
    ])
  })

  test('goes down the ladder by size, pixels and movement', () => {
    const media = [
      artifact({ bytes: 1001 }),
      artifact({ width: 4000 }),
      artifact({ height: 10 }),
      artifact({ animated: true }),
    ]
    const { parts } = plan(reply({ media }), context(), capabilities())
    expect(parts.flatMap(mediaOf).map(({ as }) => as)).toEqual(['document', 'document', 'document', 'document'])
  })

  test('links only where links can be made, and says otherwise what would help', () => {
    const said = reply({ media: [artifact({ bytes: 9000 })] })
    expect(plan(said, context({ canLink: true }), capabilities()).parts.flatMap(mediaOf)[0]?.as).toBe('link')
    expect(plan(said, context(), capabilities()).parts.flatMap(textsOf)).toEqual(['<fox.png 9000 > 5000 link>'])
  })

  test('names a file the platform takes in no form with a limit of 0', () => {
    const audio = artifact({ kind: 'audio', name: 'a.flac', mime: 'audio/flac' })
    const { parts } = plan(reply({ text: 'Done', media: [audio] }), context(), capabilities())
    expect(parts.flatMap(textsOf)).toEqual(['Done\n<a.flac 500 > 0>'])
  })

  test('packs text and files of all kinds into one call where it takes them', () => {
    const media = [artifact(), artifact({ kind: 'file', name: 'a.txt', mime: 'text/plain' })]
    const caps = capabilities({ call: { items: 3 } })
    const { parts } = plan(reply({ text: 'x'.repeat(60), media }), context(), caps)
    expect(parts.map(({ items }) => items.map(({ kind }) => kind))).toEqual([['text', 'media', 'media']])
  })

  test('keeps an editable text away from the files', () => {
    const said = reply({ text: 'Working', media: [artifact()], editableAs: 'job-1' })
    const { parts } = plan(said, context(), capabilities({ call: { items: 3 } }))
    expect(parts.map(({ key }) => key)).toEqual(['job-1', 'k#1'])
  })
})

describe('plan of buttons', () => {
  test('stores what a press means, and cuts labels', () => {
    const wish = { ...approve, label: 'Approve this run now', only: 'fake:7', once: 'apr_1', style: 'primary' as const }
    const planned = plan(reply({ text: 'Run?', buttons: [wish] }), context(), capabilities())
    expect(planned.parts[0]?.buttons).toEqual([
      { label: 'Approve thi…', action: 'a0', say: approve.say, style: 'primary' },
    ])
    expect(planned.actions).toEqual([
      { id: 'a0', say: approve.say, only: 'fake:7', once: 'apr_1', expiresAtMs: 61_000, platform: 'fake', chat: 'c1' },
    ])
  })

  test('stores nothing for buttons that type', () => {
    const caps = capabilities({ buttons: { kind: 'type', max: 4, perRow: 2, labelMax: 12 } })
    const planned = plan(reply({ text: 'Run?', buttons: [approve] }), context(), caps)
    expect(planned.parts[0]?.buttons).toHaveLength(1)
    expect(planned.actions).toEqual([])
  })

  test('hang on the last piece of text', () => {
    const { parts } = plan(reply({ text: 'word '.repeat(60), buttons: [approve] }), context(), capabilities())
    expect(parts.map(({ buttons }) => buttons.length)).toEqual([0, 1])
  })

  test('hang on a single file, with its caption', () => {
    const { parts } = plan(reply({ text: 'Fox', media: pictures(1), buttons: [approve] }), context(), capabilities())
    expect(parts.map((part) => [part.items.length, textsOf(part), part.buttons.length])).toEqual([[1, ['Fox'], 1]])
  })

  test('never hang on an album: the text stands alone and carries them', () => {
    const { parts } = plan(reply({ text: 'Foxes', media: pictures(3), buttons: [approve] }), context(), capabilities())
    expect(parts.map(({ items, buttons }) => [items.length, buttons.length])).toEqual([
      [1, 1],
      [3, 0],
    ])
  })

  test('without words or a single file get words to hang on', () => {
    const { parts } = plan(reply({ media: pictures(3), buttons: [approve] }), context(), capabilities())
    expect(parts[0]?.items).toEqual([{ kind: 'text', text: texts.typeInstead([approve.say]) }])
  })

  test('become a line that says what to type where there are none', () => {
    const { parts, actions } = plan(
      reply({ text: 'Run?', buttons: [approve, reject] }),
      context(),
      capabilities({ buttons: null }),
    )
    expect(parts.flatMap(textsOf)).toEqual(['Run?\n<type /approve apr_1 | /reject apr_1>'])
    expect(actions).toEqual([])
  })

  test('beyond the maximum are named in the text', () => {
    const caps = capabilities({ buttons: { kind: 'press', max: 1, perRow: 1, labelMax: 12 } })
    const { parts } = plan(reply({ text: 'Run?', buttons: [approve, reject] }), context(), caps)
    expect(parts.map(({ buttons }) => buttons.map(({ say }) => say))).toEqual([[approve.say]])
    expect(parts.flatMap(textsOf)).toEqual(['Run?\n<type /reject apr_1>'])
  })
})

describe('plan where we can not speak first', () => {
  const mute = { inlineMs: 4500, tokenMs: null, push: 'never', windowMs: null } as const
  const typed = { kind: 'type', max: 2, perRow: 2, labelMax: 12 } as const
  const long = 'word '.repeat(100)

  test('adds a button for the rest to the first part', () => {
    const { parts } = plan(reply({ text: long }), context(), capabilities({ answer: mute, buttons: typed }))
    expect(parts.map(({ buttons }) => buttons.map(({ label, say }) => [label, say]))).toEqual([
      [['more 2', '/inbox']],
      [],
      [],
    ])
  })

  test('makes room for it among the others', () => {
    const caps = capabilities({ answer: mute, buttons: typed, media: { ...capabilities().media, image: [rung()] } })
    const said = reply({ text: 'x'.repeat(60), media: pictures(1), buttons: [approve, reject] })
    const { parts } = plan(said, context(), caps)
    expect(parts[0]?.buttons.map(({ say }) => say)).toEqual([approve.say, '/inbox'])
    expect(parts.flatMap(textsOf).join()).toContain('/reject apr_1')
  })

  test('says it in words where there are no buttons', () => {
    const { parts } = plan(reply({ text: long }), context(), capabilities({ answer: mute, buttons: null }))
    expect(parts.flatMap(textsOf)[0]?.startsWith('<type /inbox>\n')).toBe(true)
  })

  test('adds nothing to a single part', () => {
    const { parts } = plan(reply({ text: 'hi' }), context(), capabilities({ answer: mute, buttons: typed }))
    expect(parts.map(({ buttons }) => buttons)).toEqual([[]])
  })
})
