import { randomBytes } from 'node:crypto'
import type { AdapterDeps, RawRequest, Verdict, Webhook } from '../../src/contract/index.ts'
import { defineAdapter } from '../../src/contract/index.ts'
import { listenEnv, webhookAt } from '../kit/webhook.ts'
import { openChats } from './chats.ts'
import { openClient } from './client.ts'
import { makeReceive, makeTake, maxBytes } from './connect.ts'
import { makeDownload } from './download.ts'
import { makeHome } from './home.ts'
import { makeLifecycle } from './lifecycle.ts'
import { capabilities } from './limits.ts'
import { makeOauth } from './oauth.ts'
import { makeProbe } from './probe.ts'
import { makeSender } from './send.ts'
import { makeStream } from './socket.ts'
import { openWorkspaces } from './workspaces.ts'

const printable = /^[!-~]+$/
const path = /^\/[!-~]*$/
/** One app a daemon. Workspaces are told apart by their own ids, which are in every address. */
const account = 'app'
/** Events are JSON; commands and interactions are forms. */
const bodyTypes = ['application/json', 'application/x-www-form-urlencoded']
const variable = 'OPENCLAW_CONNECTOR_SLACK_'
/** Both `…:read` of channels are for `member_joined_channel`, which comes only with them (Slack, reference of the event). */
const scopes =
  'app_mentions:read,chat:write,commands,channels:history,channels:read,groups:history,groups:read,im:history,' +
  'im:write,files:read,files:write'

/** The public address, as links to media have it; null when there is none. */
const publicBase = (media: AdapterDeps['media']): string | null =>
  media.link('0'.repeat(32))?.replace(/\/[^/]*\/[^/]*$/, '') ?? null

export default defineAdapter({
  id: 'slack',
  env: {
    BOT_TOKEN: {
      kind: 'text',
      about: 'Bot User OAuth Token (xoxb-…) of one workspace; not needed where the app is installed by OAuth',
      secret: true,
      matches: printable,
    },
    SIGNING_SECRET: {
      kind: 'text',
      about: 'Signing Secret of the app (Basic Information); it proves that Slack is calling',
      secret: true,
      matches: printable,
    },
    MODE: {
      kind: 'choice',
      about: 'How events come: Slack calls us (events), or we keep a connection open (socket)',
      options: ['events', 'socket'],
      fallback: 'events',
    },
    APP_TOKEN: {
      kind: 'text',
      about: 'App-level token (xapp-…) with connections:write, for Socket Mode',
      secret: true,
      matches: /^xapp-[!-~]+$/,
    },
    CLIENT_ID: {
      kind: 'text',
      about: 'Client ID of the app, to install it into several workspaces',
      matches: /^[!-~]{1,100}$/,
      example: '1111111111.2222222222',
    },
    CLIENT_SECRET: { kind: 'text', about: 'Client Secret of the app', secret: true, matches: printable },
    OAUTH_REDIRECT_URI: {
      kind: 'url',
      about: 'Redirect URL as it stands in the app; unset: the public base URL and OAUTH_CALLBACK_PATH',
    },
    OAUTH_INSTALL_PATH: {
      kind: 'text',
      about: 'Path where an installation begins',
      fallback: '/slack/install',
      matches: path,
    },
    OAUTH_CALLBACK_PATH: {
      kind: 'text',
      about: 'Path where Slack sends people back to',
      fallback: '/slack/oauth/callback',
      matches: path,
    },
    OAUTH_SCOPES: {
      kind: 'text',
      about: 'Bot scopes asked for, separated by commas',
      fallback: scopes,
      matches: /^[a-z:._-]+(?:,[a-z:._-]+)*$/,
    },
    OAUTH_STATE_TTL_SEC: {
      kind: 'int',
      about: 'How long an installation may take in the browser, in seconds',
      fallback: 600,
      min: 60,
      max: 3600,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: member ids, those of other organisations as T…/U…',
      trust: 'users',
      matches: /^(?:slack:)?(?:[TE][A-Z0-9]{2,63}\/)?[UW][A-Z0-9]{2,63}$/,
      example: 'U12345,T12345/U67890',
    },
    ALLOWED_CHANNELS: {
      kind: 'ids',
      about: 'Channels whose members may run without approval',
      trust: 'chats',
      matches: /^(?:slack:)?[CDG][A-Z0-9]{2,63}$/,
      example: 'C12345',
    },
    REQUIRE_MENTION: {
      kind: 'flag',
      about: 'In channels, listen only to messages that mention the bot; otherwise commands with a slash are enough',
      fallback: true,
    },
    REPLY_IN_THREAD: { kind: 'flag', about: 'In channels, answer in the thread of the message', fallback: true },
    ...listenEnv(8095, '/slack/events', 'Path of the Request URL of events'),
    INTERACTIONS_PATH: {
      kind: 'text',
      about: 'Path of the Request URL of buttons, good for slash commands too',
      fallback: '/slack/interactions',
      matches: path,
    },
    COMMANDS_PATH: {
      kind: 'text',
      about: 'Path of the Request URL of slash commands, where they have one of their own',
      fallback: '/slack/commands',
      matches: path,
    },
    API_BASE: { kind: 'url', about: 'Web API, for a proxy or GovSlack', fallback: 'https://slack.com/api' },
  },
  activation: [
    ['SIGNING_SECRET', 'BOT_TOKEN'],
    ['SIGNING_SECRET', 'CLIENT_ID', 'CLIENT_SECRET'],
    ['APP_TOKEN', 'BOT_TOKEN'],
    ['APP_TOKEN', 'CLIENT_ID', 'CLIENT_SECRET'],
  ],
  capabilities,
  operator: null,
  provenBy: null,
  create: (settings, deps) => {
    const { BOT_TOKEN: botToken, SIGNING_SECRET: signingSecret, APP_TOKEN: appToken } = settings
    const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = settings
    const isSocket = settings.MODE === 'socket'
    if (isSocket && !appToken?.startsWith('xapp-'))
      throw new Error(`${variable}APP_TOKEN (xapp-…) is needed for Socket Mode: Basic Information, App-Level Tokens`)
    if (!isSocket && !signingSecret)
      throw new Error(
        `${variable}SIGNING_SECRET is not set, so anybody could pose as Slack: copy it from Basic Information, or set ` +
          `${variable}MODE=socket`,
      )
    const keys =
      clientId && clientSecret
        ? { args: { client_id: clientId, client_secret: clientSecret }, signingKey: clientSecret }
        : null
    if (botToken === undefined && keys === null)
      throw new Error(`${variable}BOT_TOKEN or ${variable}CLIENT_ID and ${variable}CLIENT_SECRET are needed`)
    const { installs, now, log } = deps
    const apiBase = settings.API_BASE.replace(/\/+$/, '')
    const secrets = [botToken, signingSecret, appToken, clientSecret].filter((one) => one !== undefined)
    const client = openClient({ apiBase, fetch: deps.fetch, now, secrets })
    const workspaces = openWorkspaces({ ...deps, client, botToken, oauth: keys })
    const chats = openChats({ client, log })
    const commands = new Set([...deps.menu.everyone, ...deps.menu.admin].map(({ command }) => command))
    const take = makeTake({
      context: {
        account,
        requireMention: settings.REQUIRE_MENTION,
        replyInThread: settings.REPLY_IN_THREAD,
        botUser: workspaces.botUser,
        isCommand: (word) => commands.has(word),
        now,
      },
      lifecycle: makeLifecycle({ installs, log, organisation: workspaces.organisation }),
      belongs: workspaces.belongs,
      refusal: workspaces.refusal,
      learn: chats.learn,
      home: makeHome({ ...deps, account, client, workspaces }),
      log,
    })
    const webhook = (
      at: string,
      methods: Webhook['methods'],
      receive: (request: RawRequest) => Promise<Verdict>,
    ): Webhook => webhookAt({ ...settings, PATH: at }, { methods, types: bodyTypes, maxBytes, inlineMs: null, receive })
    const base = publicBase(deps.media)
    const redirectUri = settings.OAUTH_REDIRECT_URI ?? (base === null ? null : base + settings.OAUTH_CALLBACK_PATH)
    const oauth =
      keys === null
        ? null
        : makeOauth({
            ...deps,
            client,
            keys,
            authorizeUrl: new URL('/oauth/v2/authorize', apiBase).href,
            scopes: settings.OAUTH_SCOPES,
            redirectUri,
            stateTtlMs: settings.OAUTH_STATE_TTL_SEC * 1000,
            randomBytes,
          })
    const receive = makeReceive({ take, signingSecret: signingSecret ?? '', now, log })
    const paths = new Set([settings.PATH, settings.INTERACTIONS_PATH, settings.COMMANDS_PATH])
    return {
      account,
      intakes: [
        ...(isSocket
          ? [makeStream({ ...deps, client, appToken: appToken ?? '', apiBase, take })]
          : [...paths].map((one) => webhook(one, ['GET', 'POST'], receive))),
        ...(oauth === null
          ? []
          : [
              webhook(settings.OAUTH_INSTALL_PATH, ['GET'], oauth.install),
              webhook(settings.OAUTH_CALLBACK_PATH, ['GET'], oauth.callback),
            ]),
      ],
      ...makeSender({ ...deps, client, workspaces, chats }),
      typing: null,
      pushes: null,
      quota: null,
      inline: null,
      download: makeDownload(client, workspaces),
      probe: makeProbe({
        installs,
        client,
        botToken,
        appToken: isSocket ? (appToken ?? '') : null,
        paths: {
          events: settings.PATH,
          interactions: settings.INTERACTIONS_PATH,
          install: oauth === null ? null : settings.OAUTH_INSTALL_PATH,
        },
        redirectUri,
        scopes: settings.OAUTH_SCOPES.split(','),
      }),
    }
  },
})
