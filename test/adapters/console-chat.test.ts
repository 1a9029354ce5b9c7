import { describe, expect, it } from 'vitest'
import { rowsOf } from '../../adapters/console/screen.ts'
import { testDeps } from '../kit/deps.ts'
import { openChat } from './console-kit.ts'

const approve = { label: 'Approve', action: 'act-1', say: '/approve 1' }
const reject = { label: 'Reject', action: 'act-2', say: '/reject 1' }

describe('typing at a terminal', () => {
  it('shows a prompt, and answers above the line that is being typed', async () => {
    await using chat = await openChat()
    chat.fake.type('/sta')
    await chat.print('Queued: place 1')
    expect(chat.fake.read()).toBe('  Queued: place 1\n\n> /sta')
    chat.fake.type('tus\r')
    const [event] = await chat.heard(1)
    expect(event?.body).toEqual({ kind: 'text', text: '/status', addressed: true })
  })

  it('keeps a typed line that wraps around the edge of the terminal', async () => {
    await using chat = await openChat({ columns: 20 })
    const line = '/run portrait a red fox in the snow at dawn'
    chat.fake.type(line)
    await chat.print('a long answer that wraps too, twice even, or more')
    await chat.print('short')
    expect(chat.fake.read()).toBe(`  a long answer that wraps too, twice even, or more\n\n  short\n\n> ${line}`)
  })

  it('brings lines of a former run back with the up key, also after a restart', async () => {
    const { memo } = testDeps()
    {
      await using first = await openChat({}, { memo })
      first.fake.type('/run portrait a fox\r/jobs\r')
      await first.heard(2)
    }
    await using second = await openChat({}, { memo })
    second.fake.type('\x1b[A\x1b[A\r')
    expect((await second.heard(1))[0]?.body).toMatchObject({ text: '/run portrait a fox' })
  })

  it('gives every line an id of its own, over restarts too', async () => {
    const ids: string[] = []
    for (const now of [1000, 2000]) {
      await using chat = await openChat({}, { now: () => now })
      chat.fake.type('a\rb\r')
      ids.push(...(await chat.heard(2)).map((event) => event.id))
    }
    expect(new Set(ids).size).toBe(4)
  })

  it('passes Ctrl-C on, and takes Ctrl-D as the end', async () => {
    await using chat = await openChat()
    chat.fake.type('\x03')
    chat.fake.endInput()
    await chat.ended
    expect(chat.fake.interrupts()).toBe(1)
    expect(chat.events).toEqual([])
  })
})

describe('a pipe instead of a terminal', () => {
  it('takes each line as a message, the last one without a line break too, and ends with the input', async () => {
    await using chat = await openChat({ isTty: false })
    chat.fake.type('/status\r\n\n  /jobs  \n/help')
    chat.fake.endInput()
    await chat.ended
    expect(chat.events.map((event) => event.body)).toMatchObject([
      { text: '/status' },
      { text: '/jobs' },
      { text: '/help' },
    ])
  })

  it('takes many lines without losing one, and no endless line whole', async () => {
    await using chat = await openChat({ isTty: false })
    const lines = Array.from({ length: 500 }, (_, nth) => `line ${nth}`)
    chat.fake.type(`${lines.join('\n')}\n${'x'.repeat(200_000)}\n`)
    chat.fake.endInput()
    await chat.ended
    const texts = chat.events.map((event) => (event.body.kind === 'text' ? event.body.text : ''))
    expect(texts.slice(0, 500)).toEqual(lines)
    expect(texts.at(-1)).toHaveLength(100_000)
  })

  it('prints no prompt and no escape sequences', async () => {
    await using chat = await openChat({ isTty: false })
    const message = await chat.print('Queued: place 2')
    await chat.edit(message, 'Running: step 1/20')
    await chat.edit(message, 'Running: step 2/20')
    await chat.edit(message, 'Done')
    expect(chat.fake.raw()).toBe('  Queued: place 2\n\n  Running: step 1/20\n\n  Done\n\n')
  })
})

describe('edits', () => {
  it('replace the message while it is the last thing printed, wrapped or not', async () => {
    await using chat = await openChat({ columns: 30 })
    await chat.print('hello')
    const message = await chat.print('a text of several rows because it is longer than thirty columns')
    await chat.edit(message, 'step 3/20')
    await chat.edit(message, 'done')
    expect(chat.fake.read()).toBe('  hello\n\n  done\n\n> ')
  })

  it('are printed again behind other things only when more than numbers changed', async () => {
    await using chat = await openChat()
    const message = await chat.print('Running: step 1/20')
    await chat.print('something else')
    await chat.edit(message, 'Running: step 2/20')
    await chat.edit(message, 'Done')
    expect(chat.fake.read()).toBe('  Running: step 1/20\n\n  something else\n\n  Done\n\n> ')
  })

  it('leave alone what has been pushed up by a line of the person', async () => {
    await using chat = await openChat()
    const message = await chat.print('Running: step 1/20')
    chat.fake.type('/jobs\r')
    await chat.heard(1)
    await chat.edit(message, 'Done')
    expect(chat.fake.read()).toBe('  Running: step 1/20\n\n> /jobs\n  Done\n\n> ')
  })

  it('never reach above the top of the terminal', async () => {
    await using chat = await openChat({ rows: 4 })
    const message = await chat.print('1st\n2nd\n3rd\n4th')
    await chat.edit(message, 'done')
    expect(chat.fake.read()).toBe('  1st\n  2nd\n  3rd\n  4th\n\n  done\n\n> ')
  })

  it('count the columns of wide characters', () => {
    expect(rowsOf('한국어한국어\n', 12)).toBe(1)
    expect(rowsOf('한국어한국어a\n', 12)).toBe(2)
    expect(rowsOf('\u{1f98a}\u{1f98a}\n\n', 4)).toBe(2)
    expect(rowsOf('\x1b[1mbold\x1b[0m\n', 4)).toBe(1)
  })
})

describe('buttons', () => {
  it('have numbers; the number of a button that is there presses it', async () => {
    await using chat = await openChat()
    const message = await chat.print('Run it?', { buttons: [approve, reject] })
    expect(chat.fake.read()).toContain('  [#1] Approve   [#2] Reject\n')
    chat.fake.type('#2\r')
    expect((await chat.heard(1))[0]?.body).toEqual({ kind: 'press', action: 'act-2', message })
  })

  it('keep their numbers in an edit, and are gone when the edit leaves them out', async () => {
    await using chat = await openChat()
    const message = await chat.print('Run it?', { buttons: [approve, reject] })
    await chat.edit(message, 'Sure?', { buttons: [reject] })
    expect(chat.fake.read()).toContain('  Sure?\n  [#2] Reject\n')
    chat.fake.type('#1\r#2\r')
    expect((await chat.heard(1))[0]?.body).toMatchObject({ action: 'act-2' })
    expect(chat.fake.read()).toContain('  There is no button #1.\n')
  })
})

describe('words of strangers', () => {
  it('cannot steer the terminal: control characters are shown, not sent', async () => {
    await using chat = await openChat({ isTty: false })
    await chat.print('\x1b]0;owned\x07\x1b[2Jhi\rthere\x9b31m \u202eevil\x00', {
      buttons: [{ ...approve, label: 'a\x1b[5mb' }],
    })
    expect(chat.fake.raw()).toBe('  ^[]0;owned^G^[[2Jhi^Mthere\ufffd31m \ufffdevil^@\n  [#1] a^[[5mb\n\n')
  })
})
