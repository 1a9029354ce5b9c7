import { startDiscord } from '../platforms/discord.ts'
import { startFeishu } from '../platforms/feishu.ts'
import type { FakePlatform } from '../platforms/platform.ts'
import { startSlack } from '../platforms/slack.ts'
import { startTelegram } from '../platforms/telegram.ts'
import { webhook } from './daemon.ts'
import { line, whatsapp } from './hooks.ts'
import { wechat } from './passive.ts'

/** No program may be asked at this port: every call fails at once. */
const nobody = 'http://127.0.0.1:1'

export interface Platforms {
  readonly settings: Readonly<Record<string, string>>
  readonly close: () => Promise<void>
}

const named = (id: string, { settings }: FakePlatform): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${id}_${name}`, value]))

/** The platforms of the core: terminal, long polling, webhook. */
export const openFew = async (): Promise<Platforms> => {
  const telegram = await startTelegram()
  return {
    settings: { ...webhook, CONSOLE_ENABLED: 'true', ...named('TELEGRAM', telegram) },
    close: telegram.close,
  }
}

/** All of them; those that keep a connection open find somebody at the other end of it. */
export const openAll = async (): Promise<Platforms> => {
  const [discord, slack, feishu] = await Promise.all([startDiscord(), startSlack({ mode: 'socket' }), startFeishu()])
  const few = await openFew()
  return {
    settings: {
      ...few.settings,
      ...line.settings(nobody),
      ...whatsapp.settings(nobody),
      ...wechat,
      ...named('DISCORD', discord),
      ...named('SLACK', slack),
      ...named('FEISHU', feishu),
      PUBLIC_BASE_URL: 'https://bot.example.com',
    },
    close: async () => void (await Promise.all([few, discord, slack, feishu].map((one) => one.close()))),
  }
}
