import { defineAdapter } from '../../src/contract/index.ts'
import { openApi } from './client.ts'
import { makeCommands } from './commands.ts'
import { gateway } from './connect.ts'
import { makeDesk } from './desk.ts'
import { makeDownload } from './download.ts'
import { capabilities } from './limits.ts'
import { listening } from './listen.ts'
import { makePlaces } from './places.ts'
import { makeProbe } from './probe.ts'
import { makeSender } from './send.ts'

/** Discord promises no form, so nothing is asked of it but what can stand in a header. */
const tokenForm = /^[!-~]{10,256}$/
/** The public key, the client secret and the application id, which stand beside it in the Developer Portal. */
const otherForms = /^(?:[0-9a-f]{64}|[A-Za-z0-9_-]{32}|\d{5,20})$/
const idForm = /^(?:discord:)?\d{5,20}$/

/** Guilds, their messages, direct messages (facts/discord §2); message content is asked for on top. */
const intents = 1 | 512 | 4096
const contentIntent = 32_768

/** The bot's id, which tokens begin with so far; null where this one does not. */
const idIn = (token: string): string | null => {
  const [first = '', ...rest] = token.split('.')
  const id = Buffer.from(first, 'base64url').toString('latin1')
  return rest.length === 2 && /^\d{5,20}$/.test(id) ? id : null
}

const bare = (id: string): string => id.replace(/^discord:/, '')

export default defineAdapter({
  id: 'discord',
  env: {
    TOKEN: {
      kind: 'text',
      about: 'Bot token from the Developer Portal (Bot, Reset Token)',
      secret: true,
      matches: tokenForm,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: numeric ids (ask the bot with /whoami)',
      trust: 'users',
      matches: idForm,
      example: '300000000000000001',
    },
    ALLOWED_CHANNELS: {
      kind: 'ids',
      about:
        'Channels the bot listens in (their threads and posts included), and whose members may run without approval; ' +
        'empty: it listens in all and trusts none. Direct messages are always heard',
      trust: 'chats',
      matches: idForm,
      example: '1200000000000000200',
    },
    MESSAGE_CONTENT: {
      kind: 'flag',
      about: 'Read messages that do not mention the bot; needs the Message Content Intent in the Developer Portal',
      fallback: true,
    },
    API_BASE: { kind: 'url', about: 'Discord API, for a proxy', fallback: 'https://discord.com/api' },
  },
  activation: [['TOKEN']],
  capabilities,
  operator: null,
  provenBy: null,
  create: (settings, deps) => {
    const token = settings.TOKEN ?? ''
    if (!tokenForm.test(token) || otherForms.test(token))
      throw new Error(
        'OPENCLAW_CONNECTOR_DISCORD_TOKEN is not a bot token: copy it from the Developer Portal, page Bot; the client ' +
          'secret, the public key and the application id are something else',
      )
    // In every address, so it has to be known before Discord is asked, and to outlive a reset of the token.
    const account = idIn(token) ?? 'bot'
    let self = account
    let application: string | null = null
    // The version is ours to choose; written behind the address it would stand there twice.
    const apiBase = settings.API_BASE.replace(/(?:\/v\d{1,2})?\/*$/, '')
    const api = openApi({ token, base: apiBase, fetch: deps.fetch })
    const desk = makeDesk(api, deps)
    const places = makePlaces(api, () => self)
    const commands = makeCommands(api, { account, application: () => application }, deps)
    const channels = settings.ALLOWED_CHANNELS.map(bare)
    return {
      account,
      intakes: [
        gateway({
          ...deps,
          ...listening({ ...deps, api, account, self: () => self, channels, desk, places, commands }),
          api,
          apiBase,
          token,
          account,
          intents: settings.MESSAGE_CONTENT ? intents | contentIntent : intents,
          known: (id, app) => {
            self = id
            application = app ?? null
          },
          onUp: (signal) => {
            const none = (): readonly [] => []
            void deps
              .templates(signal)
              .catch(none)
              .then((templates) => commands.sync(templates, signal))
          },
        }),
      ],
      ...makeSender({ ...deps, api, desk, places }),
      pushes: null,
      quota: null,
      inline: null,
      download: makeDownload(api, apiBase, deps.fetch),
      probe: makeProbe(api, settings.MESSAGE_CONTENT),
    }
  },
})
