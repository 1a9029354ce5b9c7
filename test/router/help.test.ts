import { expect, it } from 'vitest'
import { helpFor, usageOf } from '../../src/router/help.ts'
import { commands, named } from '../policy/commands.ts'

it('help shows what one may use, by section, in the order of the table', () => {
  const shown = helpFor(commands, (c) => c.class !== 'admin')
  expect(shown.map(({ section, lines }) => [section, lines.map((line) => line.usage)])).toEqual([
    ['run', ['/run <template> [words] [key=value …]']],
    ['look', ['/status', '/history', '/help']],
    ['chat', ['/chat']],
  ])
})

it('help for nobody is empty', () => {
  expect(helpFor(commands, () => false)).toEqual([])
})

it('the block of a command names its other spellings', () => {
  expect(usageOf(named('/stop'))).toEqual({
    usage: '/stop',
    about: 'About /stop',
    example: '/stop',
    also: ['/cancel', '/interrupt'],
  })
})
