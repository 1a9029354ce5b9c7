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

/** Three parts: the bot's id in base64, a time, a secret. */
const tokenForm = /^[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{20,128}$/
const idForm = /^(?:discord:)?\d{5,20}$/

/** Guilds, their messages, direct messages (facts/discord §2); message content is asked for on top. */
const intents = 1 | 512 | 4096
const contentIntent = 32_768

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
    const account = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('latin1')
    if (!tokenForm.test(token) || !/^\d{5,20}$/.test(account))
      throw new Error(
        'OPENCLAW_CONNECTOR_DISCORD_TOKEN is not a bot token (three parts with dots between): copy it from the Developer ' +
          'Portal, page Bot; the client secret and the public key are something else',
      )
    const apiBase = settings.API_BASE.replace(/\/+$/, '')
    const api = openApi({ token, base: apiBase, fetch: deps.fetch })
    const desk = makeDesk(api, deps)
    const places = makePlaces(api, account)
    const commands = makeCommands(api, account, deps)
    const channels = settings.ALLOWED_CHANNELS.map(bare)
    return {
      account,
      intakes: [
        gateway({
          ...deps,
          ...listening({ ...deps, api, account, channels, desk, places, commands }),
          api,
          apiBase,
          token,
          account,
          intents: settings.MESSAGE_CONTENT ? intents | contentIntent : intents,
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
      probe: makeProbe(api, account, settings.MESSAGE_CONTENT),
    }
  },
})
