import type { AdapterModule } from '../src/contract/index.ts'
import console from './console/index.ts'
import discord from './discord/index.ts'
import feishu from './feishu/index.ts'
import kakao from './kakao/index.ts'
import line from './line/index.ts'
import slack from './slack/index.ts'
import telegram from './telegram/index.ts'
import wechat from './wechat/index.ts'
import whatsapp from './whatsapp/index.ts'

const byId = { telegram, discord, slack, line, whatsapp, wechat, feishu, kakao, console } as const satisfies Readonly<
  Record<string, AdapterModule>
>

/** The platforms there are. Tables over it (fakes, fixtures) stop compiling when a new one is missing in them. */
export type PlatformId = keyof typeof byId

/** Every adapter, in the order in which they are listed to people. */
export const adapters: readonly AdapterModule[] = Object.values(byId)
