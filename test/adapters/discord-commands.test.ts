import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, commandsOf, sharedInputs } from '../../adapters/discord/commands.ts'
import { choicesFor } from '../../adapters/discord/listen.ts'
import type { AdapterDeps, TemplateHint } from '../../src/contract/index.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { connected, type Running, running } from './discord-kit.ts'

const template = (id: string, label: string, ...inputs: readonly string[]): TemplateHint => ({
  id,
  label,
  inputs: inputs.map((name) => ({ name, required: false })),
})
const templates = [
  template('portrait', 'Portrait', 'positive_prompt', 'steps', 'seed'),
  template('upscale', 'Make larger', 'strength', 'steps'),
  template('poster', 'Poster', 'text'),
]
const menu: AdapterDeps['menu'] = {
  everyone: [
    { command: 'run', about: 'Run a template' },
    { command: 'help', about: 'What you can do' },
  ],
  admin: [
    { command: 'run', about: 'Run a template' },
    { command: 'help', about: 'What you can do' },
    { command: 'approve', about: 'Approve a request' },
  ],
  admins: ['300000000000000001'],
}

let fake: FakeDiscord
let streams: Running[]

beforeEach(async () => {
  fake = await startDiscord()
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()))
  await fake.close()
})

const start = async (over: Partial<AdapterDeps> = {}, settings: Readonly<Record<string, string>> = {}) => {
  const discord = connected(fake, { menu, templates: async () => templates, ...over }, settings)
  const stream = running(discord.adapter)
  streams.push(stream)
  await stream.until(() => stream.reports.length > 0)
  return { ...discord, stream }
}
const deployed = (times: number): Promise<void> =>
  expect.poll(() => fake.world.deployments, { interval: 5 }).toBe(times) as unknown as Promise<void>
const optionsOf = (name: string): readonly { readonly name: string }[] => {
  const command = fake.world.commands.find((one) => one.name === name)
  return (command?.options ?? []) as { name: string }[]
}
const namesOf = (name: string) => optionsOf(name).map((option) => option.name)

describe('the list of slash commands', () => {
  it('has those of everyone open, those of admins for administrators, and the inputs of templates', async () => {
    await start()
    await deployed(1)
    expect(fake.world.commands.map((one) => [one.name, one.default_member_permissions])).toEqual([
      ['run', null],
      ['help', null],
      ['approve', '0'],
    ])
    expect(namesOf('run')).toEqual([
      'template',
      'prompt',
      'steps',
      'positive_prompt',
      'seed',
      'strength',
      'text',
      'image',
      'inputs',
    ])
    expect(namesOf('approve')).toEqual(['arguments'])
  })

  it('is registered only when it changed, also over restarts', async () => {
    const { deps } = await start()
    await deployed(1)
    await start({ memo: deps.memo })
    await start({ memo: deps.memo, templates: async () => [...templates, template('x', 'X', 'width')] })
    await deployed(2)
    expect(namesOf('run')).toContain('width')
  })

  it('goes to the application the gateway names, also behind a restart; only else it is asked for', async () => {
    const asked = () => fake.calls().filter(({ method }) => method === 'GET /applications/@me').length
    const done = async ({ lines, stream }: Awaited<ReturnType<typeof start>>) => {
      await expect.poll(() => lines.join('\n'), { interval: 5 }).toContain('slash commands registered')
      await stream.stop()
    }
    const first = await start()
    const { deps } = first
    await done(first)
    await done(await start({ memo: deps.memo, templates: async () => [...templates, template('x', 'X', 'width')] }))
    expect(asked()).toBe(0)
    const { application: _, ...older } = JSON.parse(deps.memo.get('session') ?? '{}')
    await deps.memo.set('session', JSON.stringify(older))
    await done(await start({ memo: deps.memo }))
    expect([asked(), fake.world.deployments]).toEqual([1, 3])
  })

  it('keeps its inputs while the backend can not be asked', async () => {
    const { deps } = await start()
    await deployed(1)
    const { stream } = await start({ memo: deps.memo, templates: async () => [] })
    fake.command(fake.people.ann, fake.places.group, 'help')
    await stream.heard(1)
    expect(fake.world.deployments).toBe(1)
  })

  it('has no commands of admins where there are none', () => {
    expect(commandsOf({ ...menu, admins: [] }, [])).toHaveLength(2)
  })

  it('fits what Discord takes, however many inputs there are', () => {
    const many = Array.from({ length: 60 }, (_, i) => template(`t${i}`, '', `input${i}`, 'Not For Options', 'steps'))
    const inputs = sharedInputs(many)
    expect(inputs[0]).toBe('steps')
    expect(inputs).toHaveLength(21)
    expect(inputs.every((name) => /^[a-z0-9]+$/.test(name))).toBe(true)
  })

  it('that is refused stops nothing', async () => {
    const bad = { ...menu, everyone: [{ command: 'run', about: '' }] }
    const { stream, lines } = await start({ menu: bad })
    await expect.poll(() => lines.join('\n'), { interval: 5 }).toContain('could not be registered')
    await fake.say(fake.people.ann, fake.places.group, 'still here')
    await stream.heard(1)
  })
})

describe('what a slash command means', () => {
  it('takes the inputs of /run by name, words where the template wants them', () => {
    expect(bodyOf('run', { template: 'portrait', prompt: 'a red fox', steps: '20' }, templates)).toEqual({
      kind: 'command',
      name: 'run',
      options: { template: 'portrait', positive_prompt: 'a red fox', steps: '20' },
    })
    expect(bodyOf('run', { template: 'poster', prompt: 'HI' }, templates)).toMatchObject({ options: { text: 'HI' } })
    expect(bodyOf('run', { template: 'new', prompt: 'x' }, [])).toMatchObject({ options: { positive_prompt: 'x' } })
  })

  it('reads further inputs from one line, and lets options win', () => {
    const options = { template: 'portrait', steps: '20', inputs: 'seed=7 steps=9 note="two \\"words\\"" stray' }
    expect(bodyOf('run', options, templates)).toMatchObject({
      options: { template: 'portrait', seed: '7', steps: '20', note: 'two "words"' },
    })
  })

  it('is the command as typed for everything else', () => {
    expect(bodyOf('approve', { arguments: ' apr_1 ' }, [])).toEqual({
      kind: 'text',
      text: '/approve apr_1',
      addressed: true,
    })
    expect(bodyOf('help', {}, [])).toEqual({ kind: 'command', name: 'help', options: {} })
  })
})

describe('choosing a template', () => {
  const typed = (value: string) => [{ name: 'template', type: 3, value, focused: true }]

  it('offers what begins with the words before what holds them', () => {
    expect(choicesFor('po', templates).map(({ value }) => value)).toEqual(['portrait', 'poster'])
    expect(choicesFor('LARGER', templates)).toEqual([{ name: 'Make larger (upscale)', value: 'upscale' }])
    expect(choicesFor('', templates)).toHaveLength(3)
    expect(choicesFor('zebra', templates)).toEqual([])
    const many = Array.from({ length: 40 }, (_, i) => template(`t${i}`, 'x'.repeat(200)))
    expect(choicesFor('t', many)).toHaveLength(25)
    expect(choicesFor('t', many).every(({ name }) => name.length <= 100)).toBe(true)
    // Half a character is no JSON to Discord.
    expect(choicesFor('', [template('fox', `${'x'.repeat(99)}🦊`)])[0]?.name.isWellFormed()).toBe(true)
  })

  it('is answered while typing, and brings no event', async () => {
    const { stream } = await start()
    const asked = fake.complete(fake.people.ann, fake.places.group, 'run', typed('port'))
    expect(await asked.choices.promise).toEqual([{ name: 'Portrait (portrait)', value: 'portrait' }])
    expect(stream.events).toEqual([])
  })

  it('is answered with nothing when the backend can not be asked', async () => {
    await start({
      templates: async () => {
        throw new Error('backend down')
      },
    })
    expect(await fake.complete(fake.people.ann, fake.places.group, 'run', typed('')).choices.promise).toEqual([])
  })

  it('brings new inputs of templates into the list', async () => {
    let now = templates
    await start({ templates: async () => now })
    await deployed(1)
    now = [...templates, template('wide', 'Wide', 'width')]
    fake.complete(fake.people.ann, fake.places.group, 'run', typed(''))
    await deployed(2)
    expect(namesOf('run')).toContain('width')
  })
})

describe('a command where the bot does not listen', () => {
  it('is turned away kindly, to the asker alone', async () => {
    const { stream } = await start({}, { ALLOWED_CHANNELS: '1200000000000000299' })
    const interaction = fake.command(fake.people.ann, fake.places.group, 'help')
    await expect.poll(() => interaction.callbacks, { interval: 5 }).toEqual([4])
    expect(fake.shown()).toMatchObject([{ text: '<not_listening>', onlyFor: fake.people.ann.id }])
    expect(stream.events).toEqual([])
  })

  it('works in direct chats all the same', async () => {
    const { stream } = await start({}, { ALLOWED_CHANNELS: '1200000000000000299' })
    fake.command(fake.people.ann, fake.places.dm, 'help')
    const [event] = await stream.heard(1)
    expect(event?.where).toMatchObject({ chat: fake.people.ann.id, kind: 'dm' })
  })
})
