import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  type ClientOptions,
  EmbedBuilder,
  GatewayIntentBits,
  type Interaction,
  type Message,
  MessageFlags,
  Partials,
  SlashCommandBuilder,
  type TextChannel,
} from 'discord.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'

/** The library of the platform itself, unmodified: what it can't talk to is no Discord. */
let fake: FakeDiscord
let client: Client

const options = (base: string): ClientOptions => ({
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.DirectMessages,
    GatewayIntentBits.MessageContent,
  ],
  partials: [Partials.Channel],
  rest: { api: `${base}/api` },
})

const ready = async (): Promise<void> => {
  const up = new Promise((resolve) => client.once('clientReady', resolve))
  await client.login(fake.token)
  await up
}
const nextMessage = (): Promise<Message> => new Promise((resolve) => client.once('messageCreate', resolve))
const nextInteraction = (): Promise<Interaction> => new Promise((resolve) => client.once('interactionCreate', resolve))
const channel = (): TextChannel => client.channels.cache.get(fake.places.group.chat) as TextChannel

beforeEach(async () => {
  fake = await startDiscord()
  client = new Client(options(fake.base))
})
afterEach(async () => {
  await client.destroy()
  await fake.close()
})

describe('the fake, driven by discord.js', () => {
  it('lets it in, shows guild, channels and threads, and itself', async () => {
    await ready()
    expect(client.user?.username).toBe('render-desk')
    expect(client.guilds.cache.first()?.roles.botRoleFor(client.user?.id ?? '')?.name).toBe('render-desk')
    expect(channel().threads.cache.map(({ name }) => name)).toEqual(['fox renders'])
  })

  it('brings messages of guilds and direct chats, and takes an answer that quotes and pings nobody', async () => {
    await ready()
    const heard = nextMessage()
    await fake.say(fake.people.ann, fake.places.group, 'draw a fox')
    const message = await heard
    expect(message.content).toBe('<@1200000000000000001> draw a fox')
    expect(message.mentions.has(client.user?.id ?? '')).toBe(true)
    await message.reply({ content: 'hello @everyone', allowedMentions: { parse: [] } })
    expect(fake.shown()).toMatchObject([{ text: 'hello {mention @everyone}', replyTo: message.id }])
    expect(fake.world.posts.at(-1)?.pings).toEqual([])
    const direct = nextMessage()
    await fake.say(fake.people.bob, { chat: fake.people.bob.id, kind: 'dm' }, 'psst')
    expect((await direct).guildId).toBeNull()
  })

  it('takes files, embeds and buttons, edits, and brings presses', async () => {
    await ready()
    const row = new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId('go').setLabel('Go').setStyle(ButtonStyle.Primary),
    )
    const files = [{ attachment: Buffer.from('\x89PNG....'), name: 'fox.png' }]
    const sent = await channel().send({ content: 'here', files, components: [row] })
    expect(fake.shown()[0]?.media).toMatchObject([{ name: 'fox.png', bytes: 9 }])
    const pressed = nextInteraction()
    const post = fake.world.posts.at(-1)
    if (post) fake.press(fake.people.ann, post, 'Go')
    const press = await pressed
    if (!press.isButton()) return expect.fail('no press')
    await press.update({ content: 'gone', components: [] })
    expect(fake.shown()).toMatchObject([{ text: 'gone', buttons: [], edits: 1 }])
    await sent.edit('edited')
    expect(fake.shown()).toMatchObject([{ text: 'edited', edits: 2 }])
  })

  it('shows a file inside a card and not beside it, until an edit takes the card away', async () => {
    await ready()
    const files = [{ attachment: Buffer.from('\x89PNG....'), name: 'fox.png', description: 'a fox' }]
    const card = new EmbedBuilder().setDescription('here').setImage('attachment://fox.png')
    const sent = await channel().send({ embeds: [card], files })
    expect(sent.attachments.size).toBe(0)
    expect(sent.embeds[0]?.image?.url).toMatch(/\/attachments\/\d+\/\d+\/fox\.png/)
    const kept = await sent.edit('words beside the card')
    expect([kept.attachments.size, kept.embeds.length]).toEqual([0, 1])
    const bare = await sent.edit({ content: 'no card any more', embeds: [] })
    expect(bare.attachments.map(({ name, description }) => [name, description])).toEqual([['fox.png', 'a fox']])
    expect((await sent.edit({ attachments: [] })).attachments.size).toBe(0)
  })

  it('knows slash commands: deferred, answered, followed up privately', async () => {
    await ready()
    await client.application?.commands.set([
      new SlashCommandBuilder()
        .setName('run')
        .setDescription('Run a template')
        .addStringOption((o) => o.setName('template').setDescription('Which').setRequired(true).setAutocomplete(true)),
    ])
    expect(fake.world.commands).toMatchObject([{ name: 'run', options: [{ name: 'template', autocomplete: true }] }])
    const asked = nextInteraction()
    fake.command(fake.people.ann, fake.places.group, 'run', [{ name: 'template', type: 3, value: 'portrait' }])
    const run = await asked
    if (!run.isChatInputCommand()) return expect.fail('no command')
    expect(run.options.getString('template')).toBe('portrait')
    await run.deferReply()
    expect(fake.shown()).toEqual([])
    await run.editReply('queued')
    await run.followUp({ content: 'for you alone', flags: MessageFlags.Ephemeral })
    expect(fake.shown()).toMatchObject([{ text: 'queued' }, { text: 'for you alone', onlyFor: fake.people.ann.id }])
    await expect(run.deferReply()).rejects.toThrow()
  })

  it('offers what autocompletion answers, and refuses a second or a late answer', async () => {
    await ready()
    const typed = nextInteraction()
    const options = [{ name: 'template', type: 3, value: 'por', focused: true }]
    const asked = fake.complete(fake.people.ann, fake.places.group, 'run', options)
    const typing = await typed
    if (!typing.isAutocomplete()) return expect.fail('no autocompletion')
    await typing.respond([{ name: 'Portrait', value: 'portrait' }])
    expect(await asked.choices.promise).toEqual([{ name: 'Portrait', value: 'portrait' }])
    fake.world.limits.ackMs = -1
    const late = nextInteraction()
    fake.command(fake.people.ann, fake.places.dm, 'help')
    const help = await late
    if (!help.isChatInputCommand()) return expect.fail('no command')
    await expect(help.reply('too late')).rejects.toMatchObject({ code: 10062 })
  })

  it('waits out a limit of one channel, and tells what is wrong with a message', async () => {
    fake.world.limits.perChannel = { count: 2, windowMs: 300 }
    await ready()
    for (const text of ['one', 'two', 'three']) await channel().send(text)
    expect(fake.shown().map(({ text }) => text)).toEqual(['one', 'two', 'three'])
    await expect(channel().send('x'.repeat(2001))).rejects.toMatchObject({ code: 50035, status: 400 })
    await expect(channel().messages.fetch('1200000000000000999')).rejects.toMatchObject({ code: 10008 })
  })

  it('shows one message for one nonce', async () => {
    await ready()
    for (const _ of [1, 2]) await channel().send({ content: 'once', nonce: 'n1', enforceNonce: true })
    expect(fake.shown()).toHaveLength(1)
  })

  it('resumes a session that was cut off, with what was said meanwhile', async () => {
    await ready()
    const resumed = new Promise((resolve) => client.once('shardResume', resolve))
    const heard = nextMessage()
    fake.gateway.cut()
    await fake.say(fake.people.ann, fake.places.group, 'in the gap')
    await resumed
    expect((await heard).content).toContain('in the gap')
    expect(fake.gateway.stats).toMatchObject({ identifies: 1, resumes: 1 })
  })
})
