import { describe, expect, it } from 'vitest'
import { adapters, type PlatformId } from '../../adapters/index.ts'
import { startConsole } from '../platforms/console.ts'
import { startDiscord } from '../platforms/discord.ts'
import { startFeishu } from '../platforms/feishu.ts'
import { startFakeKakao } from '../platforms/kakao.ts'
import { startLine } from '../platforms/line.ts'
import { startSlack } from '../platforms/slack.ts'
import { startTelegram } from '../platforms/telegram.ts'
import { startFakeWechat } from '../platforms/wechat.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import { conformance } from './adapter.ts'
import type { Start } from './rig.ts'

/** A platform without a fake does not compile. */
const platforms: Readonly<Record<PlatformId, Start>> = {
  console: startConsole,
  telegram: startTelegram,
  discord: startDiscord,
  line: startLine,
  whatsapp: startWhatsapp,
  slack: startSlack,
  wechat: async () => ({ ...(await startFakeWechat()), retryAfterMs: 60_000 }),
  kakao: async () => {
    const fake = await startFakeKakao()
    fake.offerCallbacks(true)
    return fake
  },
  feishu: startFeishu,
}

describe('the list of adapters', () => {
  it('names each one as the table of fakes does', () => {
    expect(adapters.map((adapter) => adapter.id).sort()).toEqual(Object.keys(platforms).sort())
  })
})

for (const adapter of adapters) conformance(adapter, platforms[adapter.id as PlatformId])
