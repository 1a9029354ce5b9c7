import { defineAdapter } from '../../src/contract/index.ts'
import { openClient } from './client.ts'
import { polling } from './connect.ts'
import { download } from './download.ts'
import { capabilities } from './limits.ts'
import { probe } from './probe.ts'
import { sender } from './send.ts'

/** The server refuses anything else as "invalid token specified", and more than 80 characters. */
const tokenForm = /^(?=.{1,80}$)\d{1,16}:[A-Za-z0-9_-]+$/
const idForm = /^(?:telegram:)?-?\d{1,16}$/

export default defineAdapter({
  id: 'telegram',
  env: {
    TOKEN: {
      kind: 'text',
      about: 'Bot token from @BotFather',
      secret: true,
      matches: tokenForm,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: numeric ids (ask the bot with /whoami)',
      trust: 'users',
      matches: idForm,
      example: '123456,789012',
    },
    ALLOWED_CHATS: {
      kind: 'ids',
      about: 'Chats whose members may run without approval: numeric ids, negative for groups',
      trust: 'chats',
      matches: idForm,
      example: '-1001234567890',
    },
    API_BASE: {
      kind: 'url',
      about: 'Bot API server, for a local one or a proxy',
      fallback: 'https://api.telegram.org',
    },
  },
  activation: [['TOKEN']],
  capabilities,
  operator: null,
  provenBy: null,
  create: (settings, deps) => {
    const token = settings.TOKEN ?? ''
    if (!tokenForm.test(token))
      throw new Error(
        'OPENCLAW_CONNECTOR_TELEGRAM_TOKEN is not a bot token (digits, a colon, letters): copy it from @BotFather',
      )
    const account = token.slice(0, token.indexOf(':'))
    const client = openClient({
      token,
      apiBase: settings.API_BASE.replace(/\/+$/, ''),
      fetch: deps.fetch,
      now: deps.now,
    })
    return {
      account,
      intakes: [polling(client, account, deps)],
      ...sender(client, deps),
      pushes: null,
      quota: null,
      inline: null,
      download: (media, signal) => download(client, media, signal),
      probe: (signal) => probe(client, signal),
    }
  },
})
