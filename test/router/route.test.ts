import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InboundEvent } from '../../src/contract/index.ts'
import { distance, nearest } from '../../src/router/nearest.ts'
import { route } from '../../src/router/route.ts'
import { commands, eventOf, said } from '../policy/commands.ts'

const brief = (event: InboundEvent): string => {
  const to = route(event, commands)
  if (to.kind === 'call') return `call ${to.command.name} ${to.line.args.join(',')}`.trim()
  if (to.kind === 'unknown') return `unknown ${to.word} ${to.nearest}`
  if (to.kind === 'ignore' || to.kind === 'unparsable') return `${to.kind} ${to.why}`
  return to.kind
}

describe('in a DM', () => {
  it.each([
    ['/status', 'call /status'],
    ['status', 'call /status'],
    ['QUEUE', 'call /jobs'],
    ['/queue', 'call /jobs'],
    ['/start', 'call /help'],
    ['／cancel job1', 'call /stop job1'],
    ['run portrait fox', 'call /run portrait,fox'],
    ['/run@ourbot portrait', 'call /run portrait'],
    ['@ourbot /run portrait', 'call /run portrait'],
    ['/stauts', 'unknown /stauts /status'],
    ['/rnu x', 'unknown /rnu /run'],
    ['/jobz', 'unknown /jobz /jobs'],
    ['/quit', 'unknown /quit null'],
    ['/x', 'unknown /x null'],
    ['/', 'unknown / null'],
    ['start', 'talk'],
    ['hello there', 'talk'],
    ['a 5" screen', 'talk'],
    ['status "of', 'talk'],
    ['/chat a 5" screen', 'unparsable unbalanced'],
    ['/nothing "', 'unknown /nothing null'],
    ['', 'ignore empty'],
    ['constructor', 'talk'],
    ['/__proto__', 'unknown /__proto__ null'],
  ])('%j', (text, expected) => {
    expect(brief(said(text, 'dm'))).toBe(expected)
  })
})

describe('in a group, not addressed', () => {
  it.each([
    ['/status', 'call /status'],
    ['/run portrait', 'call /run portrait'],
    ['status', 'ignore talk'],
    ['help me with this', 'ignore talk'],
    ['hello there', 'ignore talk'],
    ['a 5" screen', 'ignore talk'],
    ['/stauts', 'ignore unknown-in-group'],
    ['/shrug "', 'ignore unknown-in-group'],
    ['/status@otherbot', 'ignore for-another'],
    ['@otherbot /status', 'ignore for-another'],
    ['/run "x', 'unparsable unbalanced'],
    ['', 'ignore empty'],
  ])('%j', (text, expected) => {
    expect(brief(said(text, 'group'))).toBe(expected)
  })
})

describe('in a group, addressed', () => {
  it.each([
    ['/status', 'call /status'],
    ['status', 'call /status'],
    ['/stauts', 'unknown /stauts /status'],
    ['/status@ourbot', 'call /status'],
    ['hello', 'talk'],
    ['', 'talk'],
  ])('%j', (text, expected) => {
    expect(brief(said(text, 'group', true))).toBe(expected)
  })

  it('by an answer to one of our messages, only commands count', () => {
    const answer = (text: string) => brief({ ...said(text, 'group', true), replyTo: '17' })
    expect(answer('thanks!')).toBe('ignore talk')
    expect(answer('run for it')).toBe('ignore talk')
    expect(answer('/status')).toBe('call /status')
    expect(answer('/stauts')).toBe('unknown /stauts /status')
    expect(answer('')).toBe('ignore empty')
  })

  it('by a picture without words is nothing to answer', () => {
    expect(brief({ ...said('', 'group', true), media: [{ kind: 'image', ref: 'f' }] })).toBe('ignore empty')
  })
})

describe('a press and a native command', () => {
  it('carry their action, and their options as key=value', () => {
    const press = eventOf({ body: { kind: 'press', action: 'a1', message: 'm' } })
    expect(route(press, commands)).toEqual({ kind: 'press', action: 'a1', message: 'm' })
    const native = eventOf({
      body: { kind: 'command', name: 'Run', options: { template: 'portrait', prompt: 'a fox' } },
    })
    expect(route(native, commands)).toMatchObject({
      kind: 'call',
      command: { name: '/run' },
      line: { word: '/run', args: ['template=portrait', 'prompt=a fox'], rest: 'template=portrait "prompt=a fox"' },
    })
  })

  it('find a command by any alias, or the nearest', () => {
    const native = (name: string) => brief(eventOf({ body: { kind: 'command', name, options: {} } }))
    expect(native('/cancel')).toBe('call /stop')
    expect(native('queue')).toBe('call /jobs')
    expect(native('statsu')).toBe('unknown /statsu /status')
  })
})

it('routing never throws, and calls only with a command of the table', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom('/', '@', '"', '\\', ' ', '“', 'run', 'status', '／', '=', '\n')).map((c) => c.join('')),
  )
  const events = fc.record({
    text: texts,
    kind: fc.constantFrom('dm', 'group'),
    addressed: fc.boolean(),
    reply: fc.boolean(),
  })
  fc.assert(
    fc.property(events, ({ text, kind, addressed, reply }) => {
      const event = { ...said(text, kind, addressed), ...(reply ? { replyTo: '1' } : {}) }
      const to = route(event, commands)
      if (to.kind === 'call') expect(commands).toContain(to.command)
      if (kind === 'group' && !addressed) expect(['call', 'ignore', 'unparsable']).toContain(to.kind)
    }),
    { numRuns: 2000 },
  )
})

describe('the nearest word', () => {
  it('is found over changed, missing, added and swapped letters', () => {
    const words = ['/status', '/history', '/help']
    for (const typo of ['/stotus', '/staus', '/statuss', '/sttaus', '/statu', '/stat']) {
      expect(nearest(typo, words), typo).toBe('/status')
    }
    expect(nearest('/ststs', words)).toBe('/status')
    expect(nearest('/hp', words)).toBeNull()
    expect(nearest('/', words)).toBeNull()
    expect(nearest('/status'.repeat(5000), words)).toBeNull()
  })

  it('is one step away when two neighbours are swapped', () => {
    expect(distance('/rnu', '/run')).toBe(1)
    expect(distance('/sttaus', '/status')).toBe(1)
  })

  it('has a distance that is symmetric and counts single edits as one', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
    fc.assert(
      fc.property(word, word, fc.nat(), fc.constantFrom('a', 'b'), (a, b, n, letter) => {
        expect(distance(a, b)).toBe(distance(b, a))
        expect(distance(a, b) === 0).toBe(a === b)
        const at = n % (a.length + 1)
        expect(distance(a, a.slice(0, at) + letter + a.slice(at))).toBe(1)
      }),
    )
  })
})
