import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SendError } from '../../src/contract/index.ts'
import { buttons, never, text } from '../kit/adapter.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import type { Mishap } from '../platforms/slack-host.ts'
import { connected, file, home, makePart, makeSlack } from './slack-kit.ts'

let fake: FakeSlack
beforeEach(async () => {
  fake = await startSlack()
})
afterEach(() => fake.close())

const hello = makePart([text('hello')])
const to = (more: object) => ({ ...hello.to, ...more })
const failure = (promise: Promise<unknown>): Promise<SendError> =>
  promise.then(
    () => {
      throw new Error('it went well')
    },
    (error: unknown) => {
      if (error instanceof SendError) return error
      throw error
    },
  )

describe('a message', () => {
  it('goes into its thread, and shows markup, mentions and entities as they are', async () => {
    const { adapter } = connected(fake)
    const words = '*not bold* <!channel> &amp; <@U0FAKEALICE> :fox: see https://example.org/a?b=1&c=2.'
    await adapter.send(makePart([text(words)], { to: to({ thread: '1767225607.000100' }) }), never)
    expect(fake.shown()).toMatchObject([{ text: words, place: fake.places.thread }])
    const [body] = fake.host.bodies('chat.postMessage')
    // The text beside the blocks is what notifications show: escaped, so that it calls nobody.
    expect(body?.text).toContain('&lt;!channel&gt; &amp;amp; &lt;@U0FAKEALICE&gt;')
    expect(body).toMatchObject({ mrkdwn: 'false', unfurl_links: 'false', unfurl_media: 'false' })
    expect(JSON.stringify(body?.blocks)).toContain('{"type":"link","url":"https://example.org/a?b=1&c=2"}')
  })

  it('of nothing but spaces says that it is empty', async () => {
    await connected(fake).adapter.send(makePart([text('  \n ')]), never)
    expect(fake.shown()).toMatchObject([{ text: '<empty>' }])
  })

  it('whose thread or channel is gone says which', async () => {
    const { adapter } = connected(fake)
    const lost = { ...hello, to: to({ thread: '1767225607.999999' }) }
    expect(await failure(adapter.send(lost, never))).toMatchObject({ code: 'thread_gone', delivered: 'no' })
    for (const chat of ['C0NOWHERE', 'C0FAKEFOREIGN'])
      expect(await failure(adapter.send({ ...hello, to: to({ chat }) }, never))).toMatchObject({ code: 'target_gone' })
  })

  it('whose blocks Slack does not take goes as text, its buttons as what they type', async () => {
    const { adapter } = connected(fake)
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'invalid_blocks' } })
    await adapter.send(makePart([text('*Sure?* <x>')], { buttons: buttons('Yes') }), never)
    expect(fake.shown()).toMatchObject([{ text: '*Sure?* <x>\n/say Yes 0', buttons: [] }])
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'metadata_must_be_sent_from_app' } })
    await adapter.send(makePart([text('again')], { buttons: buttons('Yes') }), never)
    expect(fake.shown()[1]).toMatchObject({ text: 'again', buttons: [{ label: 'Yes' }] })
  })

  it('is one request, whatever becomes of it', async () => {
    const { adapter } = connected(fake)
    const mishaps: readonly Mishap['how'][] = [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 503 },
      { kind: 'page' },
      { kind: 'cut', after: false },
      { kind: 'status', status: 429, headers: { 'retry-after': '' } },
      { kind: 'status', status: 302, headers: { location: 'https://example.org' } },
    ]
    for (const how of mishaps) {
      const before = fake.calls().length
      fake.mishap({ method: /postMessage/, how })
      const error = await failure(adapter.send(hello, never))
      expect(['unavailable', 'rate_limited']).toContain(error.code)
      expect(fake.calls()).toHaveLength(before + 1)
    }
  })

  it('may have arrived behind any answer that is not Slack’s', async () => {
    const { adapter } = connected(fake)
    for (const [how, delivered] of [
      [{ kind: 'status', status: 500 }, 'maybe'],
      [{ kind: 'status', status: 503 }, 'no'],
      [{ kind: 'page' }, 'maybe'],
      [{ kind: 'error', error: 'fatal_error' }, 'maybe'],
      [{ kind: 'error', error: 'service_unavailable' }, 'no'],
    ] as const) {
      fake.mishap({ method: /postMessage/, how })
      expect(await failure(adapter.send(hello, never))).toMatchObject({ code: 'unavailable', delivered })
    }
  })

  it('that arrived before all doubt is found by its key, and not shown twice', async () => {
    const { adapter } = connected(fake)
    for (const thread of [undefined, '1767225607.000100']) {
      const part = { ...hello, key: `k ${thread}`, to: to(thread === undefined ? {} : { thread }) }
      fake.failNext({ kind: 'answer_lost' })
      expect(await failure(adapter.send(part, never))).toMatchObject({ delivered: 'maybe' })
      const before = fake.shown().length
      const { message } = await adapter.send({ ...part, repeated: true }, never)
      expect(fake.shown()).toHaveLength(before)
      expect(message).toBe(fake.shown().at(-1)?.id)
    }
  })

  it('that arrived before all doubt is found in a thread that is long since last week, too', async () => {
    const { adapter } = connected(fake)
    const thread = fake.places.thread!
    const lastWeek = Date.now() - 7 * 24 * 60 * 60_000
    for (let nth = 0; nth < 20; nth++) await fake.say(fake.people.ann, thread, 'and on', { at: lastWeek })
    const part = { ...hello, to: to({ thread: thread.thread }) }
    fake.failNext({ kind: 'answer_lost' })
    expect(await failure(adapter.send(part, never))).toMatchObject({ delivered: 'maybe' })
    const { message } = await adapter.send({ ...part, repeated: true }, never)
    expect(fake.shown()).toMatchObject([{ id: message, text: 'hello' }])
  })

  it('that can not be looked for is repeated, and says so', async () => {
    const { adapter } = connected(fake)
    fake.mishap({ method: /^conversations/, how: { kind: 'status', status: 429, headers: { 'retry-after': '60' } } })
    await adapter.send({ ...hello, repeated: true }, never)
    expect(fake.shown()).toMatchObject([{ text: '<maybe_repeated>\nhello' }])
  })
})

describe('a limit', () => {
  it('of one method in one workspace stops no other, and is not tried out again', async () => {
    const clock = { now: Date.now() }
    const { adapter } = connected(fake, { now: () => clock.now })
    const { message = '' } = await adapter.send(hello, never)
    fake.mishap({ method: /^chat\.update/, how: { kind: 'status', status: 429, headers: { 'retry-after': '7' } } })
    const first = await failure(adapter.edit!(message, hello, never))
    expect(first).toMatchObject({ code: 'rate_limited', retryAfterMs: 7000 })
    const before = fake.calls().length
    clock.now += 2000
    expect(await failure(adapter.edit!(message, hello, never))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 5000,
    })
    expect(fake.calls()).toHaveLength(before)
    await adapter.send(hello, never)
    clock.now += 5000
    await adapter.edit!(message, makePart([text('edited')]), never)
    expect(fake.shown()[0]).toMatchObject({ text: 'edited', edits: 1 })
  })

  it('of posts is one of the channel', async () => {
    const { adapter } = connected(fake)
    const how = { kind: 'status', status: 429, headers: { 'retry-after': '30' } } as const
    fake.mishap({ method: /postMessage/, channel: 'C0FAKECHAN1', how })
    expect(await failure(adapter.send(hello, never))).toMatchObject({ code: 'rate_limited', retryAfterMs: 30_000 })
    await adapter.send({ ...hello, to: to({ chat: 'D0FAKEDM001', kind: 'dm' }) }, never)
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'message_limit_exceeded' } })
    expect(await failure(adapter.send(hello, never))).toMatchObject({ retryAfterMs: 3_600_000 })
  })
})

describe('an edit', () => {
  it('of a long text that doubles when it is escaped still fits', async () => {
    const { adapter } = connected(fake)
    const { message = '' } = await adapter.send(hello, never)
    await adapter.edit!(message, makePart([text('&'.repeat(3000))]), never)
    expect(fake.shown()[0]?.text).toBe('&'.repeat(3000))
    expect(String(fake.host.bodies('chat.update')[0]?.text).length).toBeLessThanOrEqual(4000)
  })

  it('that is not possible any more says so', async () => {
    const { adapter } = connected(fake)
    const { message = '' } = await adapter.send(hello, never)
    for (const error of ['cant_update_message', 'edit_window_closed', 'is_inactive', 'msg_too_long']) {
      fake.mishap({ method: /^chat\.update/, how: { kind: 'error', error } })
      expect(await failure(adapter.edit!(message, hello, never))).toMatchObject({ code: 'edit_gone' })
    }
    expect(await failure(adapter.edit!(message, makePart([file()]), never))).toMatchObject({ code: 'edit_gone' })
  })

  it('of a message to somebody addressed by their id finds its channel', async () => {
    const { adapter } = connected(fake)
    const card = { ...hello, to: to({ chat: fake.people.bob.id, kind: 'dm' }) }
    const { message = '' } = await adapter.send(card, never)
    await adapter.edit!(message, { ...card, items: [text('decided')] }, never)
    expect(fake.shown()).toMatchObject([{ text: 'decided', edits: 1 }])
    expect(fake.calls().filter(({ method }) => method === 'conversations.open')).toHaveLength(1)
  })
})

describe('files', () => {
  it('go into the thread in one message, with what is said about them as it is', async () => {
    const { adapter } = connected(fake)
    const items = [file({ blob: 'a', name: 'a.png' }, 'two *foxes*'), file({ blob: 'b', name: 'b.png' })]
    const receipt = await adapter.send(makePart(items, { to: to({ thread: '1767225607.000100' }) }), never)
    expect(fake.shown()).toMatchObject([
      { text: 'two *foxes*', place: fake.places.thread, media: [{ name: 'a.png' }, { name: 'b.png' }] },
    ])
    // Slack does not say at once where they stand.
    expect(receipt).toEqual({ via: 'push' })
    expect(fake.host.bodies('files.upload')).toEqual([])
  })

  it('bring their buttons on a line of their own', async () => {
    const { adapter } = connected(fake)
    await adapter.send(makePart([file({}, 'a fox')], { buttons: buttons('Again') }), never)
    expect(fake.shown()).toMatchObject([
      { text: 'a fox', media: [{ name: 'fox.png' }], buttons: [] },
      { text: 'fox.png', buttons: [{ label: 'Again' }] },
    ])
    fake.mishap({ method: /postMessage/, how: { kind: 'status', status: 503 } })
    const part = makePart([file()], { buttons: buttons('Again') })
    expect(await failure(adapter.send(part, never))).toMatchObject({ code: 'unavailable', delivered: 'maybe' })
  })

  it('that are refused at any step are refused, and nothing was seen of them', async () => {
    const { adapter } = connected(fake)
    for (const [method, how, code] of [
      [/getUploadURL/, { kind: 'error', error: 'file_uploads_disabled' }, 'media_rejected'],
      [/getUploadURL/, { kind: 'error', error: 'missing_scope' }, 'media_rejected'],
      [/getUploadURL/, { kind: 'cut', after: true }, 'unavailable'],
      [/^upload$/, { kind: 'cut', after: true }, 'unavailable'],
      [/^upload$/, { kind: 'status', status: 500 }, 'unavailable'],
      [/^upload$/, { kind: 'status', status: 413 }, 'media_rejected'],
      [/completeUpload/, { kind: 'error', error: 'not_in_channel' }, 'target_gone'],
      [/completeUpload/, { kind: 'error', error: 'file_update_failed' }, 'media_rejected'],
    ] as const) {
      fake.mishap({ method, how })
      expect(await failure(adapter.send(makePart([file()]), never)), `${method} ${code}`).toMatchObject({ code })
    }
    expect(fake.shown()).toEqual([])
    fake.mishap({ method: /getUploadURL/, how: { kind: 'error', error: 'missing_scope' } })
    expect(await failure(adapter.send(makePart([file()]), never))).toMatchObject({ why: 'no_permission' })
  })

  it('whose last step got no answer are looked for, before anything is repeated', async () => {
    const { adapter } = connected(fake)
    fake.mishap({ method: /completeUpload/, how: { kind: 'cut', after: true } })
    expect(await adapter.send(makePart([file()]), never)).toEqual({ message: fake.shown()[0]?.id, via: 'push' })
    fake.mishap({ method: /completeUpload/, how: { kind: 'cut', after: false } })
    expect(await failure(adapter.send(makePart([file()]), never))).toMatchObject({ delivered: 'maybe' })
  })

  it('whose caption Slack does not take go with it as text', async () => {
    const { adapter } = connected(fake)
    fake.mishap({ method: /completeUpload/, how: { kind: 'error', error: 'invalid_blocks' } })
    await adapter.send(makePart([file({}, 'a <fox>')]), never)
    expect(fake.shown()).toMatchObject([{ text: 'a <fox>', media: [{ name: 'fox.png' }] }])
  })

  it('are uploaded to Slack alone, and without our token', async () => {
    const { adapter } = connected(fake)
    fake.host.lieAboutFiles('https://files.slack.com.example.org')
    expect(await failure(adapter.send(makePart([file()]), never))).toMatchObject({ code: 'media_rejected' })
    expect(fake.calls().map(({ method }) => method)).toEqual(['files.getUploadURLExternal'])
  })

  it('that are gone from our disk, or empty, end the part', async () => {
    const gone = { open: () => Promise.reject(new Error('gone')), link: () => null }
    const lost = connected(fake, { media: gone }).adapter.send(makePart([file()]), never)
    expect(await failure(lost)).toMatchObject({ code: 'rejected' })
    const empty = { open: async () => new Blob([]), link: () => null }
    const nothing = connected(fake, { media: empty }).adapter.send(makePart([file()]), never)
    expect(await failure(nothing)).toMatchObject({ code: 'media_rejected' })
  })
})

describe('an answer for one person alone', () => {
  const psst = (slack: ReturnType<typeof connected>) => {
    const { where, handle } = slack.events.at(-1)!
    return makePart([text('psst')], { to: where, audience: 'asker', ...(handle ? { handle } : {}) })
  }

  it('is seen by them alone, in a channel and in a thread that has answers', async () => {
    const slack = connected(fake, {}, { REPLY_IN_THREAD: 'true' })
    await fake.say(fake.people.ann, fake.places.group, '/whoami')
    expect(await slack.adapter.send(psst(slack), never)).toEqual({ via: 'token' })
    await fake.say(fake.people.bob, fake.places.thread!, '/whoami')
    await slack.adapter.send(psst(slack), never)
    expect(fake.shown()).toMatchObject([
      { text: 'psst', onlyFor: fake.people.ann.id, place: fake.places.group },
      { text: 'psst', onlyFor: fake.people.bob.id, place: fake.places.thread },
    ])
  })

  it('goes by the command’s own address, where our bot is not, too', async () => {
    const slack = connected(fake)
    const outside = { chat: 'C0FAKEFOREIGN', kind: 'group' } as const
    await fake.command(fake.people.ann, outside, '/openclaw', 'status')
    expect(await slack.adapter.send(psst(slack), never)).toEqual({ via: 'token' })
    expect(await slack.adapter.send({ ...psst(slack), audience: 'everyone' }, never)).toEqual({ via: 'token' })
    expect(fake.shown()).toMatchObject([
      { text: 'psst', onlyFor: fake.people.ann.id, place: outside },
      { text: 'psst', place: outside },
    ])
    expect(fake.shown()[1]).not.toHaveProperty('onlyFor')
  })

  it('says at once that what follows can not come where our bot is not', async () => {
    const slack = connected(fake)
    await fake.command(fake.people.ann, { chat: 'C0FAKEFOREIGN', kind: 'group' }, '/openclaw', 'run portrait')
    await slack.adapter.send({ ...psst(slack), audience: 'everyone', interim: true }, never)
    await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'run portrait')
    await slack.adapter.send({ ...psst(slack), audience: 'everyone', interim: true }, never)
    expect(fake.shown().map(({ text }) => text)).toEqual(['psst\n<not_a_member>', 'psst'])
  })

  it('takes another way when that address is used up', async () => {
    const slack = connected(fake)
    await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'status')
    for (let i = 0; i < 6; i++) await slack.adapter.send(psst(slack), never)
    expect(fake.shown().map(({ onlyFor }) => onlyFor)).toEqual(Array(6).fill(fake.people.ann.id))
    expect(fake.calls().filter(({ method }) => method === 'chat.postEphemeral')).toHaveLength(1)
  })

  it('on a press stays in the thread where the button stands', async () => {
    const slack = connected(fake)
    const button = { label: 'Approve', action: 'opaque', say: '/approve 1' }
    await slack.adapter.send({ ...hello, to: to({ thread: fake.places.thread!.thread! }), buttons: [button] }, never)
    await fake.shown()[0]!.buttons[0]!.press()
    await slack.adapter.send(psst(slack), never)
    expect(fake.shown()[1]).toMatchObject({ text: 'psst', onlyFor: fake.people.ann.id, place: fake.places.thread })
    expect(fake.host.bodies('chat.postEphemeral')).toEqual([])
  })

  it('takes another way when that address refuses it in a good answer', async () => {
    const refusing: typeof fetch = async (url, init) =>
      String(url).includes('/commands/') ? Response.json({ ok: false, error: 'invalid_blocks' }) : fetch(url, init)
    const slack = connected(fake, { fetch: refusing })
    await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'status')
    await slack.adapter.send(psst(slack), never)
    expect(fake.shown()).toMatchObject([{ text: 'psst', onlyFor: fake.people.ann.id }])
  })

  it('has the fields such a call takes and no others', async () => {
    const slack = connected(fake)
    await fake.say(fake.people.ann, fake.places.group, '/whoami')
    await slack.adapter.send(psst(slack), never)
    const [fields = {}] = fake.host.bodies('chat.postEphemeral')
    expect(Object.keys(fields).toSorted()).toEqual(['blocks', 'channel', 'text', 'user'])
  })

  it('is said to everyone where that is impossible, and after half an hour', async () => {
    const slack = connected(fake)
    await fake.say(fake.people.ann, fake.places.group, '/whoami')
    fake.mishap({ method: /postEphemeral/, how: { kind: 'error', error: 'user_not_in_channel' } })
    expect(await slack.adapter.send(psst(slack), never)).toMatchObject({ via: 'push' })
    const late = { ...psst(slack), handle: { ...psst(slack).handle!, expiresAt: Date.now() - 1 } }
    expect(await slack.adapter.send(late, never)).toMatchObject({ via: 'push' })
  })

  it('never leaves Slack: where the address is elsewhere, it takes another way', async () => {
    const { adapter, lines } = connected(fake)
    const to = { ...hello.to, ...fake.places.group }
    for (const url of ['https://example.org/x', 'http://hooks.slack.com/x', 'https://hooks.slack.com.example.org/']) {
      const handle = {
        kind: 'token',
        value: JSON.stringify({ user: fake.people.ann.id, url }),
        expiresAt: Date.now() + 1000,
      } as const
      expect(await adapter.send({ ...hello, to, audience: 'asker', handle }, never)).toEqual({ via: 'token' })
    }
    expect(fake.shown().map(({ onlyFor }) => onlyFor)).toEqual(Array(3).fill(fake.people.ann.id))
    expect(fake.calls().map(({ method }) => method)).toEqual(Array(3).fill('chat.postEphemeral'))
    expect(lines.filter((line) => line.includes('not one of Slack'))).toHaveLength(3)
  })
})

it('a message without a workspace goes by the token of the settings', async () => {
  const { workspace: _, ...bare } = home
  await connected(fake).adapter.send({ ...hello, to: { ...bare, chat: fake.people.bob.id, kind: 'dm' } }, never)
  expect(fake.shown()).toMatchObject([{ place: { chat: fake.people.bob.id } }])
})

it('people are written to by their id, also without the scope to open chats', async () => {
  const { adapter } = connected(fake)
  fake.mishap({ method: /^conversations/, how: { kind: 'error', error: 'missing_scope' }, times: 2 })
  const card = { ...hello, to: to({ chat: fake.people.bob.id, kind: 'dm' }) }
  const { message = '' } = await adapter.send(card, never)
  expect(fake.shown()).toMatchObject([{ text: 'hello', place: { chat: fake.people.bob.id } }])
  expect(await failure(adapter.edit!(message, card, never))).toMatchObject({ code: 'edit_gone' })
})

it('no refusal shows a secret, and each one of our credentials names the cure', async () => {
  for (const error of [
    'invalid_auth',
    'token_revoked',
    'account_inactive',
    'missing_scope',
    'odd_error',
    'xoxb-secret',
  ]) {
    const { adapter } = makeSlack(fake.settings)
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error, more: { needed: 'chat:write' } } })
    const { message, code } = await failure(adapter.send(hello, never))
    if (code === 'auth') expect(message).toMatch(/OPENCLAW_CONNECTOR_SLACK_BOT_TOKEN|scope/)
    for (const secret of [...fake.secrets, 'xoxb']) expect(message.replace('BOT_TOKEN', '')).not.toContain(secret)
  }
})
