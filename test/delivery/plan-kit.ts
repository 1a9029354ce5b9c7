import fc from 'fast-check'
import type {
  Address,
  Artifact,
  Capabilities,
  MediaKind,
  MediaRung,
  Part,
  PartItem,
  Reply,
} from '../../src/contract/index.ts'
import { measure } from '../../src/delivery/measure.ts'
import type { PlanContext, PlanTexts } from '../../src/delivery/plan.ts'

export const kinds: readonly MediaKind[] = ['image', 'video', 'audio', 'file']

export const texts: PlanTexts = {
  notAllowed: (name) => `<${name} not allowed>`,
  tooLarge: ({ name, bytes, maxBytes, needsLink }) => `<${name} ${bytes} > ${maxBytes}${needsLink ? ' link' : ''}>`,
  typeInstead: (says) => `<type ${says.join(' | ')}>`,
  moreLabel: (n) => `more ${n}`,
}

export const to: Address = { platform: 'fake', account: 'bot', chat: 'c1', kind: 'dm' }

export const context = (over: Partial<PlanContext> = {}): PlanContext => {
  let ids = 0
  return { to, keyBase: 'k', canLink: false, newId: () => `a${ids++}`, nowMs: 1000, texts, ...over }
}

export const rung = (over: Partial<MediaRung> = {}): MediaRung => ({
  as: 'photo',
  by: 'upload',
  maxBytes: 1000,
  mime: ['image/png', 'image/jpeg'],
  caption: 50,
  album: 1,
  ...over,
})

const base: Capabilities = {
  name: 'Fake',
  intakes: ['stream'],
  text: { max: 200, unit: 'utf16', markup: 'plain' },
  media: {
    image: [
      rung({ album: 10, animated: false, pixels: { sum: 4000, ratio: 20 } }),
      rung({ as: 'document', maxBytes: 5000, mime: ['*'], album: 10 }),
      rung({ as: 'link', by: 'url', maxBytes: 50_000, mime: ['*'], caption: 0 }),
    ],
    video: [rung({ as: 'video', maxBytes: 5000, mime: ['video/*'] })],
    audio: [],
    file: [rung({ as: 'document', maxBytes: 5000, mime: ['*'], album: 10 })],
  },
  call: { items: 1 },
  buttons: { kind: 'press', max: 4, perRow: 2, labelMax: 12 },
  edit: { everyMs: 1000, withinMs: null },
  typing: null,
  threads: true,
  quotes: true,
  audiences: ['everyone'],
  answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: null },
  resend: 'marked',
  redeliveryMs: 1000,
  staleAfterMs: null,
  commands: 'none',
  pace: { concurrent: 1, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 },
  receives: [],
  directByUserId: true,
}

export const capabilities = (over: Partial<Capabilities> = {}): Capabilities => ({ ...base, ...over })

export const artifact = (over: Partial<Artifact> = {}): Artifact => ({
  kind: 'image',
  blob: 'b1',
  name: 'fox.png',
  mime: 'image/png',
  bytes: 500,
  width: 512,
  height: 512,
  ...over,
})

export const textsOf = (part: Part): readonly string[] =>
  part.items.flatMap((item) => (item.kind === 'text' ? [item.text] : (item.caption ?? [])))

export const mediaOf = (part: Part) => part.items.filter((item) => item.kind === 'media')

/** What an adapter with these capabilities could not send. */
export const violations = (part: Part, caps: Capabilities): readonly string[] => {
  const album = caps.call.items <= 1 && part.items.length > 1
  const found: (string | false)[] = [
    part.items.length === 0 && 'no items',
    part.items.length > caps.call.items && !album && 'too many items',
    album && part.buttons.length > 0 && 'buttons on an album',
    album && new Set(part.items.map((item) => (item.kind === 'media' ? item.as : 'text'))).size > 1 && 'mixed album',
    part.buttons.length > (caps.buttons?.max ?? 0) && 'too many buttons',
    !caps.audiences.includes(part.audience) && part.audience !== 'everyone' && !part.handle && 'audience',
    part.replyTo !== undefined && !caps.quotes && 'quote',
    ...part.buttons.map(
      ({ label }) => (label === '' || measure(label, caps.text.unit) > (caps.buttons?.labelMax ?? 0)) && 'label',
    ),
    ...part.items.map((item) => itemViolation(item, caps, album ? part.items.length : 1)),
  ]
  return found.filter((one) => one !== false)
}

const itemViolation = (item: PartItem, caps: Capabilities, together: number): string | false => {
  if (item.kind === 'text')
    return (item.text.trim() === '' && 'blank text') || (measure(item.text, caps.text.unit) > caps.text.max && 'text')
  const used = caps.media[item.media.kind].find(({ as }) => as === item.as)
  if (!used) return 'unknown rung'
  if (item.media.bytes > used.maxBytes) return 'bytes'
  if (together > used.album) return 'album too large'
  return measure(item.caption ?? '', caps.text.unit) > used.caption && 'caption'
}

const name = fc.stringMatching(/^[a-z]{1,6}$/)
const anyRung = fc.record({
  as: fc.constantFrom('photo', 'document', 'video', 'link'),
  by: fc.constantFrom('upload' as const, 'url' as const),
  maxBytes: fc.integer({ min: 1, max: 1000 }),
  mime: fc.constantFrom(['*'], ['image/*'], ['image/png'], ['video/mp4', 'image/gif']),
  caption: fc.constantFrom(0, 10, 100),
  album: fc.constantFrom(1, 2, 10),
  animated: fc.option(fc.boolean(), { nil: undefined }),
  pixels: fc.option(fc.record({ sum: fc.integer({ min: 10, max: 100 }), ratio: fc.constantFrom(2, 20) }), {
    nil: undefined,
  }),
})
const rungs = fc.uniqueArray(anyRung, { maxLength: 3, selector: ({ as }) => as })

export const anyCapabilities: fc.Arbitrary<Capabilities> = fc
  .record({
    max: fc.integer({ min: 4, max: 120 }),
    unit: fc.constantFrom('utf16' as const, 'codepoint' as const, 'byte' as const),
    media: fc.record({ image: rungs, video: rungs, audio: rungs, file: rungs }),
    items: fc.constantFrom(1, 1, 3, 10),
    buttons: fc.option(
      fc.record({
        kind: fc.constantFrom('press' as const, 'type' as const),
        max: fc.integer({ min: 1, max: 4 }),
        perRow: fc.constant(2),
        labelMax: fc.integer({ min: 4, max: 20 }),
      }),
    ),
    quotes: fc.boolean(),
    audiences: fc.constantFrom<Capabilities['audiences'][number][]>(['everyone'], ['everyone', 'asker']),
    push: fc.constantFrom('always' as const, 'quota' as const, 'never' as const),
  })
  .map(({ max, unit, media, items, buttons, quotes, audiences, push }) =>
    capabilities({
      text: { max, unit, markup: 'plain' },
      media,
      call: { items },
      buttons,
      quotes,
      audiences,
      answer: { inlineMs: null, tokenMs: null, push, windowMs: null },
    }),
  )

const words = fc.oneof(
  fc.lorem({ maxCount: 30 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constant('```\ncode\n```'),
)

export const anyReply: fc.Arbitrary<Reply> = fc.record(
  {
    text: words,
    media: fc.array(
      fc.record({
        kind: fc.constantFrom(...kinds),
        blob: name,
        name,
        mime: fc.constantFrom('image/png', 'image/gif', 'video/mp4', 'text/plain'),
        bytes: fc.integer({ min: 0, max: 1500 }),
        width: fc.integer({ min: 1, max: 90 }),
        height: fc.integer({ min: 1, max: 90 }),
        animated: fc.boolean(),
      }),
      { maxLength: 12 },
    ),
    buttons: fc.array(fc.record({ label: words, say: name.map((word) => `/${word}`), ttlMs: fc.constant(5) }), {
      maxLength: 6,
    }),
    audience: fc.constantFrom('everyone' as const, 'asker' as const),
    interim: fc.boolean(),
    editableAs: fc.constant('edit-me'),
  },
  { requiredKeys: ['audience'] },
)
