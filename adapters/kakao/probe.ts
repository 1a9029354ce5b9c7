import type { Probe } from '../../src/contract/index.ts'

export interface ProbedSettings {
  readonly WEBHOOK_SECRET?: string | undefined
  readonly BOT_ID?: string | undefined
  readonly BIND: string
  readonly PORT: number
  readonly PATH: string
}

const secretProbe = (secret: string | undefined): Probe =>
  secret === undefined
    ? {
        name: 'skill secret',
        ok: false,
        about:
          'OPENCLAW_CONNECTOR_KAKAO_WEBHOOK_SECRET is not set: whoever finds the URL can pose as anybody, so nobody ' +
          'is admin and every run waits for an approval. Set it, and type the same value into the skill as header ' +
          'X-Kakao-Webhook-Secret',
      }
    : {
        name: 'skill secret',
        ok: true,
        about:
          'set. Kakao must send it as header X-Kakao-Webhook-Secret: fill in both "header value" and "test header ' +
          'value" of the skill',
      }

/** What can be said about the setup without asking Kakao, which has nothing to ask: the skill server is only called. */
export const probeSetup = (settings: ProbedSettings): readonly Probe[] => [
  secretProbe(settings.WEBHOOK_SECRET),
  {
    name: 'bot',
    ok: true,
    about: settings.BOT_ID === undefined ? 'any bot is taken (BOT_ID is not set)' : `only bot ${settings.BOT_ID}`,
  },
  {
    name: 'skill URL',
    ok: true,
    about:
      `cannot be tested from here. Let a public https address lead to ${settings.BIND}:${settings.PORT}, enter ` +
      `https://<public host>${settings.PATH} as skill URL in the chatbot admin centre and send its skill test: a ` +
      'reply with "version": "2.0" means it works. Then deploy skill and block; until then users see the old state',
  },
]
