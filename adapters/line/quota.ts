// A file of its own: what the month's plan still allows, and remembering that it is used up.
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Quota } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './connect.ts'
import { quotaLimit, quotaUsed } from './wire.ts'

const noPushesUntil = 'no pushes until'
/** Plans are counted by calendar month; LINE's clocks stand in Japan. */
const japanMs = 9 * 60 * 60 * 1000
const dayMs = 24 * 60 * 60 * 1000

export interface PushQuota {
  readonly pushes: NonNullable<Adapter['pushes']>
  readonly read: NonNullable<Adapter['quota']>
  /** LINE refused a push because the month's messages are used up. */
  readonly usedUp: () => Promise<void>
}

/** The first moment of the month `ahead` months after the one of `nowMs`. */
const monthStart = (nowMs: number, ahead: number): number => {
  const there = new Date(nowMs + japanMs)
  return Date.UTC(there.getUTCFullYear(), there.getUTCMonth() + ahead, 1) - japanMs
}

export const makeQuota = (client: Client, deps: Pick<AdapterDeps, 'memo' | 'now' | 'log'>): PushQuota => {
  const { memo, now, log } = deps

  const closeUntil = (untilMs: number): Promise<void> =>
    memo.set(noPushesUntil, String(untilMs)).catch((error: unknown) => {
      // Not remembered, it is only found out again by the next push.
      log.warn({ error: String(error) }, 'the state of the push quota could not be noted')
    })

  const pushes = (): boolean => now() >= Number(memo.get(noPushesUntil) ?? 0)

  const usedUp = (): Promise<void> => {
    const nowMs = now()
    // West of Japan the old month lasts some hours longer: on the first day it is worth another look soon.
    const isFirstDay = nowMs - monthStart(nowMs, 0) < dayMs
    return closeUntil(isFirstDay ? nowMs + dayMs / 24 : monthStart(nowMs, 1))
  }

  const ask = async <S extends v.GenericSchema>(path: string, schema: S, signal: AbortSignal) => {
    const answer = await client.call({ method: 'GET', path }, signal)
    const read = v.safeParse(schema, answer.body)
    return answer.status === 200 && read.success ? read.output : null
  }

  const read = async (signal: AbortSignal): Promise<Quota | null> => {
    try {
      const limit = await ask('/v2/bot/message/quota', quotaLimit, signal)
      const consumed = await ask('/v2/bot/message/quota/consumption', quotaUsed, signal)
      if (limit === null || consumed === null) return null
      const used = consumed.totalUsage
      const most = limit.type === 'limited' ? (limit.value ?? null) : null
      if (most !== null && used >= most) await usedUp()
      else if (!pushes()) await closeUntil(0)
      return { used, limit: most, resetsAt: monthStart(now(), 1) }
    } catch (error) {
      if (!(error instanceof SendError)) throw error
      log.debug({ about: error.message }, 'the push quota could not be read')
      return null
    }
  }

  return { pushes, read, usedUp }
}
