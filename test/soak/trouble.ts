import type { Random } from '../crash/chaos-mouths.ts'
import type { Stage } from './stage.ts'

/** One platform that misbehaves now and then. */
export interface Trouble {
  readonly platform: 'slack' | 'discord' | 'feishu'
  /** Does the next mischief, and says what it was. */
  readonly strike: () => string
  readonly heal: () => void
}

type Deed = readonly [weight: number, name: string, deed: () => void]

/** Slack and Feishu close as servers do; all codes of Discord's after which one comes again. */
const serverCodes = [1000, 1001, 1011, 1012, 4000] as const
const discordCodes = [1000, 1001, 4000, 4001, 4002, 4005, 4007, 4008, 4009] as const

export interface Measure {
  /** How long a server that refuses goes on with it. */
  readonly refusesMs: number
  /** How long a platform believes in a line after it is dead. */
  readonly ghostMs: number
  /** Lines that die without a word, where the adapter finds out only after a while of its own (Slack: 16 s). */
  readonly slowDeaths: boolean
}

export const troubles = (stage: Stage, random: Random, measure: Measure): readonly Trouble[] => {
  const { slack, discord, feishu } = stage
  const pick = <T>(list: readonly [T, ...T[]]): T => list[Math.floor(random() * list.length)] ?? list[0]
  const within = (ms: number): number => Math.round(random() * ms)
  const few = (): number => 1 + Math.floor(random() * 3)
  /** Deeds that end by themselves, and what ends them at once. */
  const open = new Map<NodeJS.Timeout, () => void>()
  const forAWhile = (start: () => void, end: () => void): void => {
    start()
    const timer = setTimeout(() => {
      open.delete(timer)
      end()
    }, 500 + within(measure.refusesMs))
    open.set(timer, end)
  }
  const sends = (one: typeof slack | typeof discord | typeof feishu): readonly Deed[] => [
    [2, 'send 429', () => one.failNext({ kind: 'rate_limited', retryAfterMs: 500 })],
    [2, 'send 503', () => one.failNext({ kind: 'unavailable' })],
    [1, 'send unanswered', () => one.failNext({ kind: 'answer_lost' })],
  ]
  /** Commands and presses come but once. */
  const slackAgain = (): void => {
    const last = slack.socket.confirmed().findLast(({ kind }) => kind === 'events_api')
    if (last) slack.socket.push(last)
  }

  const deeds: Readonly<Record<Trouble['platform'], readonly Deed[]>> = {
    slack: [
      [4, 'cut', slack.socket.cut],
      [3, 'closed', () => slack.socket.drop(pick(serverCodes))],
      [measure.slowDeaths ? 3 : 0, 'half open', () => slack.socket.halfOpen(within(measure.ghostMs))],
      [6, 'refresh', () => slack.socket.disconnect('refresh_requested', within(5000))],
      [4, 'warning', () => slack.socket.disconnect('warning', 1000 + within(9000))],
      [measure.slowDeaths ? 1 : 0, 'too many', () => slack.socket.disconnect('too_many_websockets', within(3000))],
      [4, 'again', slackAgain],
      [2, 'acks lost', () => slack.socket.loseAcks(few())],
      [2, 'handshake refused', () => refused(slack.socket.cut, slack.socket.refuse, pick([403, 500, 503]))],
      [
        2,
        'address refused',
        () => {
          const status = pick([429, 500, 503])
          const headers = status === 429 ? { headers: { 'retry-after': '1' } } : {}
          forAWhile(
            () => slack.mishap({ method: /^apps\.conn/, how: { kind: 'status', status, ...headers }, times: 1000 }),
            () => slack.host.forgive('apps.connections.open'),
          )
          slack.socket.cut()
        },
      ],
      ...sends(slack),
    ],
    discord: [
      [4, 'cut', discord.gateway.cut],
      [4, 'closed', () => discord.gateway.close(pick(discordCodes))],
      [3, 'half open', discord.gateway.freeze],
      [3, 'reconnect', discord.gateway.askReconnect],
      [2, 'invalid, resumable', () => discord.gateway.invalidate(true)],
      [1, 'invalid', () => discord.gateway.invalidate(false)],
      [
        1,
        'forgotten',
        () => {
          discord.gateway.forgetSessions()
          discord.gateway.cut()
        },
      ],
      [4, 'again', () => void discord.redeliver()],
      [
        2,
        'beats late',
        () => {
          const { limits } = discord.gateway
          limits.beatBackMs = within(limits.heartbeatMs * 0.8)
        },
      ],
      [
        2,
        'handshake refused',
        () =>
          refused(
            discord.gateway.cut,
            (status) => {
              discord.gateway.limits.refuse = status
            },
            pick([500, 503]),
          ),
      ],
      [
        1,
        'closed at once',
        () => {
          discord.gateway.limits.closeNext = 4000
          discord.gateway.cut()
        },
      ],
      ...sends(discord),
    ],
    feishu: [
      [4, 'cut', () => feishu.sockets.drop('hard')],
      [4, 'closed', () => feishu.sockets.drop(pick(serverCodes))],
      [3, 'half open', () => feishu.sockets.halfOpen(within(measure.ghostMs))],
      [
        1,
        'silent',
        () =>
          forAWhile(
            () => feishu.sockets.goSilent(true),
            () => feishu.sockets.goSilent(false),
          ),
      ],
      [4, 'again', () => void feishu.sockets.again()],
      [2, 'acks lost', () => feishu.sockets.loseAcks(few())],
      [2, 'handshake refused', () => refused(() => feishu.sockets.drop('hard'), feishu.sockets.refuse, 1000040343)],
      [
        2,
        'address refused',
        () => {
          const busy = { code: pick([1, 1000040343]), msg: 'system busy' }
          forAWhile(
            () => feishu.api.refuseEndpoint(busy),
            () => feishu.api.refuseEndpoint(null),
          )
          feishu.sockets.drop('hard')
        },
      ],
      [1, 'token expired', feishu.api.expireTokens],
      ...sends(feishu),
    ],
  }

  const refused = (cut: () => void, refuse: (status: number | null) => void, status: number): void => {
    forAWhile(
      () => refuse(status),
      () => refuse(null),
    )
    cut()
  }

  const strike = (list: readonly Deed[]): string => {
    let left = random() * list.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, name, deed] of list) {
      left -= weight
      if (left >= 0) continue
      deed()
      return name
    }
    return 'nothing'
  }

  const heal = (): void => {
    for (const [timer, end] of open) {
      clearTimeout(timer)
      end()
    }
    open.clear()
    discord.gateway.limits.beatBackMs = 0
    discord.gateway.limits.closeNext = null
    slack.socket.loseAcks(0)
    feishu.sockets.loseAcks(0)
  }

  return (['slack', 'discord', 'feishu'] as const).map((platform) => ({
    platform,
    strike: () => strike(deeds[platform]),
    heal,
  }))
}
